package template_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hark/localstack/cloud/template"
)

func env() template.Env {
	return template.Env{
		StackName: "Hark", Region: "us-east-1", Account: "000000000000",
		StackID: "arn:aws:cloudformation:us-east-1:000000000000:stack/Hark/" +
			"11111111-2222-3333-4444-555555555555",
	}
}

// resolve resolves the template or fails the test.
func resolve(t *testing.T, data []byte) *template.Stack {
	t.Helper()
	tmpl, err := template.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	stack, err := tmpl.Resolve(env())
	if err != nil {
		t.Fatal(err)
	}
	return stack
}

func sample(t *testing.T) *template.Stack {
	t.Helper()
	data, err := os.ReadFile("testdata/sample.template.json")
	if err != nil {
		t.Fatal(err)
	}
	return resolve(t, data)
}

// only returns the stack's one resource of the type.
func only(t *testing.T, s *template.Stack, cfnType string) template.Resource {
	t.Helper()
	found := s.OfType(cfnType)
	if len(found) != 1 {
		t.Fatalf("%d resources of type %s, want 1", len(found), cfnType)
	}
	return found[0]
}

func TestSampleTemplateIsResolved(t *testing.T) {
	s := sample(t)
	message := only(t, s, "AWS::Lambda::Function")
	var function struct {
		FunctionName, Role string
		Layers             []string
		Environment        struct{ Variables map[string]string }
	}
	if err := message.Peek(&function); err != nil {
		t.Fatal(err)
	}
	api := only(t, s, "AWS::ApiGatewayV2::Api").ID
	want := map[string]string{
		"HARK_STATE_TABLE":   "Hark-State",
		"HARK_ORIGIN_SECRET": "11111111-2222-3333-4444-555555555555",
		"HARK_BROADCASTS_QUEUE": "https://sqs.us-east-1.amazonaws.com/" +
			"000000000000/Hark-Broadcasts.fifo",
		"AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": "https://" + api +
			".execute-api.us-east-1.amazonaws.com/v1",
	}
	if diff := cmp.Diff(want, function.Environment.Variables); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	if message.ID != "Hark-message" || function.FunctionName != "Hark-message" {
		t.Errorf("function is called %q, its property %q", message.ID, function.FunctionName)
	}
	if function.Role != "arn:aws:iam::000000000000:role/Hark-Role" {
		t.Errorf("role %q", function.Role)
	}
	if !slices.Equal(function.Layers, []string{"a", "b"}) {
		t.Errorf("layers %q: NoValue must take its item out of the list", function.Layers)
	}
	if message.Metadata["hark:source"] != "functions/message" {
		t.Errorf("metadata %v", message.Metadata)
	}
}

func TestResourcesReferToEachOther(t *testing.T) {
	s := sample(t)
	var integration struct{ ID, IntegrationURI string }
	if err := only(t, s, "AWS::ApiGatewayV2::Integration").Peek(&integration); err != nil {
		t.Fatal(err)
	}
	const uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/" +
		"arn:aws:lambda:us-east-1:000000000000:function:Hark-message/invocations"
	if integration.IntegrationURI != uri {
		t.Errorf("integration's URI %q", integration.IntegrationURI)
	}
	var route struct{ Target string }
	if err := only(t, s, "AWS::ApiGatewayV2::Route").Peek(&route); err != nil {
		t.Fatal(err)
	}
	want := "integrations/" + only(t, s, "AWS::ApiGatewayV2::Integration").ID
	if route.Target != want {
		t.Errorf("route's target %q, want %q", route.Target, want)
	}
	var queue struct {
		MessageRetentionPeriod int
		RedrivePolicy          struct{ DeadLetterTargetArn string }
	}
	if err := s.OfType("AWS::SQS::Queue")[0].Peek(&queue); err != nil {
		t.Fatal(err)
	}
	const dead = "arn:aws:sqs:us-east-1:000000000000:Hark-dead.fifo"
	if queue.MessageRetentionPeriod != 300 || queue.RedrivePolicy.DeadLetterTargetArn != dead {
		t.Errorf("queue %+v", queue)
	}
	url := only(t, s, "AWS::Lambda::Url")
	var edge struct {
		DistributionConfig struct{ Origins []struct{ DomainName string } }
	}
	if err := only(t, s, "AWS::CloudFront::Distribution").Peek(&edge); err != nil {
		t.Fatal(err)
	}
	got := edge.DistributionConfig.Origins[0].DomainName
	if "https://"+got+"/" != url.Attributes["FunctionUrl"] {
		t.Errorf("origin %q, function URL %q", got, url.Attributes["FunctionUrl"])
	}
}

func TestConditionsDecideWhatExists(t *testing.T) {
	s := sample(t)
	if n := len(s.OfType("AWS::SQS::Queue")); n != 2 {
		t.Errorf("%d queues, want 2: the condition of the third does not hold", n)
	}
	only(t, s, "AWS::CDK::Metadata")
	if _, ok := s.Outputs["LaterQueue"]; ok {
		t.Error("an output exists although its condition does not hold")
	}
}

func TestOutputsAreResolved(t *testing.T) {
	s := sample(t)
	host := only(t, s, "AWS::CloudFront::Distribution").Attributes["DomainName"]
	want := map[string]string{
		"ClientHost": host,
		"Env": "HOST=" + host + "\nQUEUE=arn:aws:sqs:us-east-1:000000000000:Hark-dead.fifo\n" +
			"STAGE=v1\nLITERAL=${Host}",
		"RetentionSeconds": "300",
	}
	if diff := cmp.Diff(want, s.Outputs); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
}

func TestIDsHaveTheFormOfAWSAndNeverChange(t *testing.T) {
	first, second := sample(t), sample(t)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("two runs differ:\n%s", diff)
	}
	for cfnType, form := range map[string]string{
		"AWS::ApiGatewayV2::Api":         `^[a-z0-9]{10}$`,
		"AWS::ApiGatewayV2::Integration": `^[a-z0-9]{7}$`,
		"AWS::ApiGatewayV2::Route":       `^[a-z0-9]{7}$`,
		"AWS::CloudFront::Distribution":  `^E[A-Z0-9]{13}$`,
	} {
		if id := only(t, first, cfnType).ID; !regexp.MustCompile(form).MatchString(id) {
			t.Errorf("id of %s is %q", cfnType, id)
		}
	}
	url := only(t, first, "AWS::Lambda::Url").Attributes["FunctionUrl"]
	if !regexp.MustCompile(
		`^https://[a-z0-9]{32}\.lambda-url\.us-east-1\.on\.aws/$`,
	).MatchString(url) {
		t.Errorf("function URL %q", url)
	}
}

func TestIDsOfAnotherCloudReplaceTheOwn(t *testing.T) {
	data, err := os.ReadFile("../../../infra/testdata/default.template.json")
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := template.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	at := env()
	at.IDs = map[string]string{
		"Socket":     "726452c7",
		"Apps":       "Hark-Apps-D986",
		"Broadcasts": "http://127.0.0.1:4566/000000000000/Hark-Broadcasts-666.fifo",
	}
	stack, err := tmpl.Resolve(at)
	if err != nil {
		t.Fatal(err)
	}
	if got := stack.Outputs["AppsTable"]; got != "Hark-Apps-D986" {
		t.Errorf("a table is called %s", got)
	}
	properties := string(only(t, stack, "AWS::CloudFront::Distribution").Properties)
	const domain = `"DomainName":"726452c7.execute-api.us-east-1.amazonaws.com"`
	if !strings.Contains(properties, domain) {
		t.Errorf("the distribution has no %s: %s", domain, properties)
	}
	for _, queue := range stack.OfType("AWS::SQS::Queue") {
		const want = "arn:aws:sqs:us-east-1:000000000000:Hark-Broadcasts-666.fifo"
		if queue.LogicalID == "Broadcasts" &&
			(queue.ID != at.IDs["Broadcasts"] || queue.Attributes["Arn"] != want) {
			t.Errorf("a queue is %s with %v, want %s", queue.ID, queue.Attributes, want)
		}
	}
}

func TestDecodeNamesTheResource(t *testing.T) {
	s := resolve(
		t,
		[]byte(
			`{"Resources": {"Jobs": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": `+
				`"soon"}}}}`,
		),
	)
	var queue struct{ DelaySeconds int }
	if err := s.Resources[0].Decode(&queue); err == nil ||
		!strings.Contains(err.Error(), "Jobs (AWS::SQS::Queue)") {
		t.Errorf("error %v, want one that names the resource", err)
	}
}

// An unknown property would be missed only on AWS.
func TestDecodeRefusesUnknownProperties(t *testing.T) {
	s := resolve(
		t,
		[]byte(
			`{"Resources": {"Jobs": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": 3,`+
				` "Policy": {"Delay": 1}}}}}`,
		),
	)
	for _, tt := range []struct {
		name  string
		queue any
		want  string // "" if it fits
	}{
		{"all are read", &struct{ DelaySeconds, Policy json.RawMessage }{}, ""},
		{"one is not", &struct{ DelaySeconds int }{}, `unknown field "Policy"`},
		{"one within another is not", &struct {
			DelaySeconds int
			Policy       struct{ Other int }
		}{}, `unknown field "Delay"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := s.Resources[0].Decode(tt.queue)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil ||
				!strings.Contains(err.Error(), "Jobs (AWS::SQS::Queue)") ||
				!strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %s", err, tt.want)
			}
			if err := s.Resources[0].Peek(tt.queue); err != nil {
				t.Errorf("a look at some: %v", err)
			}
		})
	}
}

func TestIntrinsicFunctionsAreResolved(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{
			"a number joins as it is written", `{"Fn::Join": ["-", [1, 2.50, true]]}`,
			`"1-2.50-true"`,
		},
		{
			"a joined list may come from a split",
			`{"Fn::Join": [".", {"Fn::Split": ["/", "a/b"]}]}`, `"a.b"`,
		},
		{"an index may be text", `{"Fn::Select": ["1", ["a", "b"]]}`, `"b"`},
		{
			"a mapping is looked up",
			`{"Fn::FindInMap": ["Regions", {"Ref": "AWS::Region"}, "rps"]}`, `10000`,
		},
		{"a list parameter is split", `{"Ref": "Names"}`, `["a","b"]`},
		{"Sub's own variables win over resources", `{"Fn::Sub": ["${Jobs}", {"Jobs": 7}]}`, `"7"`},
		{
			"objects keep their numbers", `{"a": {"b": [1e3, 12345678901234567890]}}`,
			`{"a":{"b":[1e3,12345678901234567890]}}`,
		},
		{
			"a policy's Condition is no function",
			`{"Condition": {"Bool": {"x": {"Ref": "AWS::Region"}}}}`,
			`{"Condition":{"Bool":{"x":"us-east-1"}}}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := resolve(t, []byte(document(tt.value)))
			var got struct{ P json.RawMessage }
			if err := s.Resources[0].Decode(&got); err != nil {
				t.Fatal(err)
			}
			if string(got.P) != tt.want {
				t.Errorf("got %s, want %s", got.P, tt.want)
			}
		})
	}
}
