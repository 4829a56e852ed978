package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/iam"
	"hark/localstack/cloud/template"
)

func here() place {
	return place{region: region, account: account, endpoint: "http://127.0.0.1:4566"}
}

func quiet() settings { return settings{console: io.Discard, log: slog.New(slog.DiscardHandler)} }

// boot creates the stack with an executable that is never run.
func boot(t *testing.T, stack *template.Stack) (*cloud, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c, err := newCloud(here(), stack, map[string]string{"functions/work": self, webhookSource: self}, quiet())
	if err == nil {
		t.Cleanup(c.close)
	}
	return c, err
}

const (
	workRole = `"Role": {"Type": "AWS::IAM::Role", "Properties": {}}`
	work     = workRole + `, "Work": {"Type": "AWS::Lambda::Function", "Metadata": {"hark:source": "functions/work"},
		"Properties": {"Role": {"Fn::GetAtt": ["Role", "Arn"]}, "Runtime": "provided.al2023", "Handler": "bootstrap"}}`
	workURL = work + `, "Url": {"Type": "AWS::Lambda::Url", "Properties": {"AuthType": "NONE", "TargetFunctionArn": {"Fn::GetAtt": ["Work", "Arn"]}}}`
	socket  = work + `, "Socket": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"ProtocolType": "WEBSOCKET", "RouteSelectionExpression": "$request.body.event"}},
		"Route": {"Type": "AWS::ApiGatewayV2::Route", "Properties": {"ApiId": {"Ref": "Socket"}, "RouteKey": "$connect", "Target": {"Fn::Sub": "integrations/${To}"}}},
		"To": {"Type": "AWS::ApiGatewayV2::Integration", "Properties": {"ApiId": {"Ref": "Socket"}, "IntegrationType": "AWS_PROXY",
			"IntegrationUri": {"Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Work.Arn}/invocations"}}}`
	stage   = `, "Stage": {"Type": "AWS::ApiGatewayV2::Stage", "Properties": {"ApiId": {"Ref": "Socket"}, "StageName": "v1"}}`
	allowed = `, "May": {"Type": "AWS::Lambda::Permission", "Properties": {"Action": "lambda:InvokeFunction", "FunctionName": {"Ref": "Work"},
		"Principal": "apigateway.amazonaws.com", "SourceArn": {"Fn::Sub": "arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Socket}/*$connect"}}}`
)

// A bus, a rule on it that sends to a queue, and the policy that lets it.
const (
	queue = `"Jobs": {"Type": "AWS::SQS::Queue"}`
	bus   = queue + `, "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "Hark"}}`
	rule  = `, "Sales": {"Type": "AWS::Events::Rule", "Properties": {"EventBusName": {"Ref": "Bus"},
		"EventPattern": {"source": ["shop"]}, "Targets": [{"Id": "x", "Arn": {"Fn::GetAtt": ["Jobs", "Arn"]}}]}}`
	letsIn = `, "Lets": {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [{"Ref": "Jobs"}], "PolicyDocument": {"Statement": {
		"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
		"Resource": {"Fn::GetAtt": ["Jobs", "Arn"]}, "Condition": {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["Sales", "Arn"]}}}}}}}`
	noPolicy = "resource Sales: no AWS::SQS::QueuePolicy lets events.amazonaws.com send to arn:aws:sqs:us-east-1:000000000000:Hark-Jobs for it"
)

func TestABusSendsToAQueue(t *testing.T) {
	c, err := boot(t, stackOf(t, bus+rule+letsIn))
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(
		`{"Entries":[{"EventBusName":"Hark","Source":"shop","DetailType":"sale","Detail":"{}"}]}`))
	r.Header.Set("X-Amz-Target", "AWSEvents.PutEvents")
	w := httptest.NewRecorder()
	c.front().ServeHTTP(w, r)
	got, err := c.queues.Receive(t.Context(), "arn:aws:sqs:us-east-1:000000000000:Hark-Jobs", 10, 0)
	if err != nil || len(got) != 1 || !strings.Contains(got[0].Body, `"detail-type":"sale"`) {
		t.Errorf("answered %s, sent %v (%v)", w.Body, got, err)
	}
}

func TestStacksThatCannotBeCreated(t *testing.T) {
	for _, tt := range []struct{ name, resources, want string }{
		{"an unknown type", `"Topic": {"Type": "AWS::SNS::Topic"}`, "resource Topic: the local cloud has no AWS::SNS::Topic"},
		{"a queue that AWS would refuse", `"Jobs": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": 901}}`, "resource Jobs: queue"},
		{"a table with an index", `"T": {"Type": "AWS::DynamoDB::Table", "Properties": {"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
			"AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}], "GlobalSecondaryIndexes": [{}]}}`, "resource T: table"},
		{"a function without a source", strings.Replace(work, "hark:source", "other", 1), "resource Work: its Metadata does not say hark:source"},
		{
			"a function with a role of another stack", strings.Replace(work, `{"Fn::GetAtt": ["Role", "Arn"]}`, `"arn:aws:iam::1:role/x"`, 1),
			"resource Work: its role arn:aws:iam::1:role/x is not in the stack",
		},
		{
			"a route whose function API Gateway may not invoke", socket + stage,
			"resource Socket: route $connect (Route): no AWS::Lambda::Permission lets apigateway.amazonaws.com invoke Hark-Work for it",
		},
		{"an API without a stage", socket + allowed, "resource Socket: the API has 0 stages"},
		{"a route to nowhere", strings.Replace(socket, "${To}", "x", 1) + stage + allowed, `its target "integrations/x" is not an integration`},
		{"an API that is not for WebSocket", strings.Replace(socket, `"WEBSOCKET"`, `"HTTP"`, 1) + stage + allowed, "WebSocket APIs only, not HTTP"},
		{
			"a rule whose function it may not invoke", work + `, "Clock": {"Type": "AWS::Events::Rule", "Properties": {
			"ScheduleExpression": "rate(1 minute)", "Targets": [{"Id": "x", "Arn": {"Fn::GetAtt": ["Work", "Arn"]}}]}}`,
			"resource Clock: no AWS::Lambda::Permission lets events.amazonaws.com invoke Hark-Work for it",
		},
		{"an unknown operator of patterns", bus + letsIn + strings.Replace(rule, `"shop"`, `{"prefix": "s"}`, 1), "resource Sales: rule Hark|Hark-Sales: EventPattern"},
		{"a rule on a bus of another stack", queue + letsIn + strings.Replace(rule, `{"Ref": "Bus"}`, `"other"`, 1), "event bus other does not exist"},
		{"two buses of one name", bus + `, "Twin": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "Hark"}}`, "resource Twin: event bus Hark: exists already"},
		{"a rule that no policy lets into the queue", bus + rule, noPolicy},
		{"a policy that lets another service in", bus + rule + strings.Replace(letsIn, "events.", "sns.", 1), noPolicy},
		{"a policy for another rule", bus + rule + strings.Replace(letsIn, `{"Fn::GetAtt": ["Sales", "Arn"]}`, `"arn:x"`, 1), noPolicy},
		{"a policy for another queue", bus + rule + strings.Replace(letsIn, `{"Fn::GetAtt": ["Jobs", "Arn"]}`, `"arn:x"`, 1), noPolicy},
		{"a policy that lets read only", bus + rule + strings.Replace(letsIn, "SendMessage", "ReceiveMessage", 1), noPolicy},
		{"a policy with a condition that is not known", bus + rule + strings.Replace(letsIn, "ArnEquals", "ArnNotEquals", 1), noPolicy},
		{"a policy that is attached to another queue", bus + rule + strings.Replace(letsIn, `{"Ref": "Jobs"}`, `"https://x"`, 1), noPolicy},
		{"a queue's consumer whose role may not read it", work + `, "Jobs": {"Type": "AWS::SQS::Queue"}, "Feed": {"Type": "AWS::Lambda::EventSourceMapping",
			"Properties": {"FunctionName": {"Ref": "Work"}, "EventSourceArn": {"Fn::GetAtt": ["Jobs", "Arn"]}}}`, "resource Feed: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := boot(t, stackOf(t, tt.resources)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

// golden reads a golden template, each of whose functions has a main and runs this program instead.
func golden(t *testing.T, file string) (*template.Stack, map[string]string) {
	t.Helper()
	stack, err := readStack(file, here())
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	folders, err := sources(stack)
	if err != nil {
		t.Fatal(err)
	}
	binaries := make(map[string]string, len(folders))
	for _, folder := range folders {
		if _, err := os.Stat(filepath.Join("..", folder, "main.go")); err != nil {
			t.Error(err)
		}
		binaries[folder] = self
	}
	return stack, binaries
}

// Whatever the stack rests on runs here, or is named: in each of its resources, and further in.
func TestPropertiesThatTheLocalCloudDoesNotKnowAreNamed(t *testing.T) {
	stack, binaries := golden(t, "../infra/testdata/webhooks.template.json")
	for i, res := range stack.Resources {
		if res.Type == "AWS::Logs::LogGroup" { // without effect as a whole
			continue
		}
		t.Run(res.LogicalID, func(t *testing.T) {
			changed := *stack
			changed.Resources = slices.Clone(stack.Resources)
			changed.Resources[i].Properties = slices.Concat([]byte(`{"Mystery":1,`), res.Properties[1:])
			c, err := newCloud(here(), &changed, binaries, quiet())
			if err == nil {
				c.close()
			}
			if err == nil || !strings.Contains(err.Error(), `"Mystery"`) || !strings.Contains(err.Error(), res.LogicalID) {
				t.Errorf("error %v, want one that names %s and Mystery", err, res.LogicalID)
			}
		})
	}
}

func TestPropertiesWithinPropertiesAreNamedToo(t *testing.T) {
	const (
		role = `"Role": {"Type": "AWS::IAM::Role", "Properties": {%s}}`
		feed = work + `, "Jobs": {"Type": "AWS::SQS::Queue"}, "Feed": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {
			"FunctionName": {"Ref": "Work"}, "EventSourceArn": {"Fn::GetAtt": ["Jobs", "Arn"]}, %s}}`
		schedule = work + `, "Clock": {"Type": "AWS::Scheduler::Schedule", "Properties": {"ScheduleExpression": "rate(1 minute)",
			"FlexibleTimeWindow": {"Mode": "OFF"}, "Target": {"Arn": {"Fn::GetAtt": ["Work", "Arn"]}, "RoleArn": "x"%s}}}`
	)
	if _, err := boot(t, stackOf(t, fmt.Sprintf(schedule, ""))); err != nil {
		t.Errorf("a schedule: %v", err)
	}
	for _, tt := range []struct{ name, resources, resource, property string }{
		{
			"a function's variables, misspelt", strings.Replace(work, `"Runtime"`, `"Environment": {"Varables": {}}, "Runtime"`, 1),
			"Work", "Varables",
		},
		{"a function's tracing", strings.Replace(work, `"Runtime"`, `"TracingConfig": {"Mode": "Active"}, "Runtime"`, 1), "Work", "TracingConfig"},
		{
			"a route that asks for a key", strings.Replace(socket, `"RouteKey"`, `"ApiKeyRequired": true, "RouteKey"`, 1) + stage + allowed,
			"Route", "ApiKeyRequired",
		},
		{
			"a route's setting", socket + strings.Replace(stage, `"StageName"`, `"RouteSettings": {"$connect": {"LoggingLevel": "INFO"}}, "StageName"`, 1) + allowed,
			"Stage", "LoggingLevel",
		},
		{"the boundary of a role", fmt.Sprintf(role, `"PermissionsBoundary": "arn:x"`), "Role", "PermissionsBoundary"},
		{
			"part of a statement, alone", fmt.Sprintf(role, `"Policies": [{"PolicyDocument": {"Statement":
				{"Effect": "Allow", "Action": "x", "Resource": "*", "Principal": "*"}}}]`), "Role", "Principal",
		},
		{
			"part of a statement among others", fmt.Sprintf(role, `"Policies": [{"PolicyDocument": {"Statement": [
				{"Effect": "Allow", "Action": "x", "Resource": "*", "Principal": "*"}]}}]`), "Role", "Principal",
		},
		{
			"part of a queue's policy", bus + rule + strings.Replace(letsIn, `"Effect"`, `"NotPrincipal": "x", "Effect"`, 1),
			"Lets", "NotPrincipal",
		},
		{"part of a queue's redrive", `"Jobs": {"Type": "AWS::SQS::Queue", "Properties": {"RedrivePolicy": {"after": 3}}}`, "Jobs", "after"},
		{"part of a feed's scaling", fmt.Sprintf(feed, `"ScalingConfig": {"Concurrency": 2}`), "Feed", "Concurrency"},
		{"part of a rule's target", bus + letsIn + strings.Replace(rule, `"Id"`, `"HttpParameters": {}, "Id"`, 1), "Sales", "HttpParameters"},
		{"part of a schedule's target", fmt.Sprintf(schedule, `, "RetryPolicy": {}`), "Clock", "RetryPolicy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := boot(t, stackOf(t, tt.resources))
			if err == nil || !strings.Contains(err.Error(), tt.resource) || !strings.Contains(err.Error(), `"`+tt.property+`"`) {
				t.Errorf("error %v, want one that names %s and %s", err, tt.resource, tt.property)
			}
		})
	}
}

// Every function of a golden template has a place to run in, and every route, queue and schedule may reach its function.
func TestEveryGoldenTemplateBoots(t *testing.T) {
	files, err := filepath.Glob("../infra/testdata/*.template.json")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d golden templates (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			stack, binaries := golden(t, file)
			c, err := newCloud(here(), stack, binaries, quiet())
			if err != nil {
				t.Fatal(err)
			}
			c.close()
		})
	}
}

func TestASocketAPIIsServedUnderItsOwnHost(t *testing.T) {
	stack := stackOf(t, socket+stage+allowed)
	c, err := boot(t, stack)
	if err != nil {
		t.Fatal(err)
	}
	host := stack.OfType("AWS::ApiGatewayV2::Api")[0].ID + ".execute-api.us-east-1.amazonaws.com"
	if c.origin(host) == nil {
		t.Errorf("nothing is served as %s", host)
	}
	if c.origin("example.com") != nil {
		t.Error("example.com is served, which is not the stack's")
	}
}

func TestAFunctionURLWithoutPermissionsAnswers403(t *testing.T) {
	stack := stackOf(t, workURL)
	c, err := boot(t, stack)
	if err != nil {
		t.Fatal(err)
	}
	host := strings.Trim(strings.TrimPrefix(stack.OfType("AWS::Lambda::Url")[0].Attributes["FunctionUrl"], "https:"), "/")
	for _, handler := range []http.Handler{c.origin(host), c.url(strings.Split(host, ".")[0])} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/up", nil))
		if w.Code != http.StatusForbidden || w.Body.String() != `{"Message":"Forbidden"}` {
			t.Errorf("status %d, %s", w.Code, w.Body)
		}
	}
}

// process is one that nothing happens to.
type process struct{ count faults.Count }

func (p *process) Writes() *faults.Count { return &p.count }
func (p *process) Kill()                 {}

func TestEachProcessIsKnownToTheAWSPort(t *testing.T) {
	c, err := boot(t, stackOf(t, work))
	if err != nil {
		t.Fatal(err)
	}
	first, second := new(process), new(process)
	role := &iam.Role{Name: "Hark-Role", Session: "Hark-Work"}
	env := environmentOf(c, role, first)
	if env["AWS_ENDPOINT_URL"] != "http://127.0.0.1:4566" || env["AWS_SECRET_ACCESS_KEY"] == "" || env["AWS_SESSION_TOKEN"] == "" {
		t.Errorf("environment %v", env)
	}
	for p, key := range map[*process]string{
		first: env["AWS_ACCESS_KEY_ID"], second: environmentOf(c, role, second)["AWS_ACCESS_KEY_ID"],
	} {
		if h := c.keys.holder(key); h == nil || h.role != role || h.process != p {
			t.Errorf("the access key %s stands for %+v", key, h)
		}
	}
	if h := c.keys.holder("AKIATEST"); h != nil {
		t.Errorf("a stranger's key stands for %+v", h)
	}
}

// What a function is called says nothing of what it does.
func TestWhatPostsWebhooksMayPostToThisMachine(t *testing.T) {
	named := func(logicalID, source, name string) string {
		f := strings.Replace(work, `"Work"`, `"`+logicalID+`"`, 1)
		f = strings.Replace(f, "functions/work", source, 1)
		return strings.Replace(f, `"Runtime"`, `"FunctionName": "`+name+`", "Runtime"`, 1)
	}
	c, err := boot(t, stackOf(t, named("Poster", webhookSource, "Hark-poster")+
		strings.TrimPrefix(named("Hook", "functions/work", "Hark-webhook"), workRole)))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"Hark-poster": "true", "Hark-webhook": ""} {
		if got := environmentOf(c, &iam.Role{Session: name}, new(process))[loopbackVariable]; got != want {
			t.Errorf("%s has %s=%q, want %q", name, loopbackVariable, got, want)
		}
	}
}

func environmentOf(c *cloud, role *iam.Role, p *process) map[string]string {
	env := make(map[string]string)
	for _, entry := range c.environment(role.Session, role, p) {
		name, value, _ := strings.Cut(entry, "=")
		env[name] = value
	}
	return env
}

func TestAddressesOfAWSBecomeLocal(t *testing.T) {
	c := &cloud{place: here()}
	got := map[string]string{
		"HARK_BROADCASTS_QUEUE":  "https://sqs.us-east-1.amazonaws.com/000000000000/Hark-Broadcasts.fifo",
		"HARK_STATE_TABLE":       "Hark-State",
		"ELSEWHERE":              "https://sqs.eu-west-1.amazonaws.com/1/x",
		callbackVariable:         "https://abc123.execute-api.us-east-1.amazonaws.com/v1",
		"SOME_OTHER_CALLBACK_OF": "https://abc123.execute-api.us-east-1.amazonaws.com/v1",
	}
	if err := c.localize(got); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"HARK_BROADCASTS_QUEUE":  "http://127.0.0.1:4566/000000000000/Hark-Broadcasts.fifo",
		"HARK_STATE_TABLE":       "Hark-State",
		"ELSEWHERE":              "https://sqs.eu-west-1.amazonaws.com/1/x",
		callbackVariable:         "http://127.0.0.1:4566/_aws/execute-api/abc123/v1",
		"SOME_OTHER_CALLBACK_OF": "https://abc123.execute-api.us-east-1.amazonaws.com/v1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	err := c.localize(map[string]string{callbackVariable: "https://sockets.example.com"})
	if err == nil || !strings.Contains(err.Error(), callbackVariable+": https://sockets.example.com is not the address") {
		t.Errorf("error %v", err)
	}
}

func TestFunctionNames(t *testing.T) {
	for id, want := range map[string]string{
		"Hark-api": "Hark-api",
		"arn:aws:lambda:us-east-1:000000000000:function:Hark-api":                                                               "Hark-api",
		"arn:aws:lambda:us-east-1:000000000000:function:Hark-api:$LATEST":                                                       "Hark-api",
		"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:Hark-api": "Hark-api",
	} {
		if got := functionName(id); got != want {
			t.Errorf("name of %s is %q, want %q", id, got, want)
		}
	}
}
