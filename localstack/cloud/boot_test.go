package cloud

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"hark/localstack/cloud/template"
)

const (
	region    = "us-east-1"
	account   = "000000000000"
	stackName = "Shop"
)

// stackOf resolves a template with these resources.
func stackOf(t *testing.T, resources string) *template.Stack {
	t.Helper()
	parsed, err := template.Parse([]byte(`{"Resources": {` + resources + `}}`))
	if err != nil {
		t.Fatal(err)
	}
	stack, err := parsed.Resolve(template.Env{
		StackName: stackName, Region: region, Account: account, StackID: "arn:x",
	})
	if err != nil {
		t.Fatal(err)
	}
	return stack
}

// boot creates the stack. All functions have the same executable, which no test runs.
func boot(t *testing.T, stack *template.Stack) (*Cloud, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(stack, Options{
		Region: region, Account: account, Endpoint: "http://127.0.0.1:4566",
		Binary: func(function template.Resource) (string, error) {
			if function.Metadata["folder"] == nil {
				return "", errors.New("it has no folder")
			}
			return self, nil
		},
		Environment: func(function template.Resource) []string {
			return []string{"FOLDER=" + function.Metadata["folder"].(string)}
		},
	})
	if err == nil {
		t.Cleanup(c.Close)
	}
	return c, err
}

// A function, its URL, and a WebSocket API with a route to it, a stage, and the permission to
// invoke the function.
const (
	workRole = `"Role": {"Type": "AWS::IAM::Role", "Properties": {}}`
	work     = workRole + `,
		"Work": {"Type": "AWS::Lambda::Function", "Metadata": {"folder": "work"}, "Properties": {
			"Role": {"Fn::GetAtt": ["Role", "Arn"]},
			"Runtime": "provided.al2023", "Handler": "bootstrap"}}`
	workURL = work + `,
		"Url": {"Type": "AWS::Lambda::Url", "Properties": {
			"AuthType": "NONE", "TargetFunctionArn": {"Fn::GetAtt": ["Work", "Arn"]}}}`
	socket = work + `,
		"Socket": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {
			"ProtocolType": "WEBSOCKET", "RouteSelectionExpression": "$request.body.event"}},
		"Route": {"Type": "AWS::ApiGatewayV2::Route", "Properties": {
			"ApiId": {"Ref": "Socket"}, "RouteKey": "$connect",
			"Target": {"Fn::Sub": "integrations/${To}"}}},
		"To": {"Type": "AWS::ApiGatewayV2::Integration", "Properties": {
			"ApiId": {"Ref": "Socket"}, "IntegrationType": "AWS_PROXY",
			"IntegrationUri": {"Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:` +
		`path/2015-03-31/functions/${Work.Arn}/invocations"}}}`
	stage = `,
		"Stage": {"Type": "AWS::ApiGatewayV2::Stage", "Properties": {
			"ApiId": {"Ref": "Socket"}, "StageName": "v1"}}`
	allowed = `,
		"May": {"Type": "AWS::Lambda::Permission", "Properties": {
			"Action": "lambda:InvokeFunction", "FunctionName": {"Ref": "Work"},
			"Principal": "apigateway.amazonaws.com",
			"SourceArn": {"Fn::Sub":
				"arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Socket}/*$connect"}}}`
)

// A bus, a rule on it that sends to a queue, and the policy of the queue that allows it.
const (
	queue = `"Jobs": {"Type": "AWS::SQS::Queue"}`
	bus   = queue + `, "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "Shop"}}`
	rule  = `,
		"Sales": {"Type": "AWS::Events::Rule", "Properties": {
			"EventBusName": {"Ref": "Bus"}, "EventPattern": {"source": ["till"]},
			"Targets": [{"Id": "x", "Arn": {"Fn::GetAtt": ["Jobs", "Arn"]}}]}}`
	queuePolicy = `,
		"Lets": {"Type": "AWS::SQS::QueuePolicy", "Properties": {
			"Queues": [{"Ref": "Jobs"}], "PolicyDocument": {"Statement": {
				"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
				"Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": ["Jobs", "Arn"]},
				"Condition": {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["Sales", "Arn"]}}}}}}}`
	noPolicy = "resource Sales: no AWS::SQS::QueuePolicy lets events.amazonaws.com send to " +
		"arn:aws:sqs:us-east-1:000000000000:Shop-Jobs for it"
)

// replace replaces the first of two texts with the second, once. The first must be there.
func replace(t *testing.T, resources, before, after string) string {
	t.Helper()
	if !strings.Contains(resources, before) {
		t.Fatalf("there is no %s in %s", before, resources)
	}
	return strings.Replace(resources, before, after, 1)
}

func TestABusSendsToAQueue(t *testing.T) {
	c, err := boot(t, stackOf(t, bus+rule+queuePolicy))
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"Entries": [{
		"EventBusName": "Shop", "Source": "till", "DetailType": "sale", "Detail": "{}"}]}`))
	r.Header.Set("X-Amz-Target", "AWSEvents.PutEvents")
	w := httptest.NewRecorder()
	c.Handler().ServeHTTP(w, r)
	const jobs = "arn:aws:sqs:us-east-1:000000000000:Shop-Jobs"
	got, err := c.queues.Receive(t.Context(), jobs, 10, 0)
	if err != nil || len(got) != 1 || !strings.Contains(got[0].Body, `"detail-type":"sale"`) {
		t.Errorf("the answer is %s, and the queue holds %v (%v)", w.Body, got, err)
	}
}

// refusedStack is a stack that cannot be created, and part of the error.
type refusedStack struct{ name, resources, want string }

func checkRefused(t *testing.T, stacks []refusedStack) {
	t.Helper()
	for _, tt := range stacks {
		t.Run(tt.name, func(t *testing.T) {
			_, err := boot(t, stackOf(t, tt.resources))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestStacksWithResourcesThatCannotBeCreated(t *testing.T) {
	checkRefused(t, []refusedStack{
		{
			"an unknown type", `"Topic": {"Type": "AWS::SNS::Topic"}`,
			"resource Topic: the local cloud has no AWS::SNS::Topic",
		},
		{
			"a queue that AWS would refuse",
			`"Jobs": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": 901}}`,
			"resource Jobs: queue",
		},
		{
			"a table with an index",
			`"T": {"Type": "AWS::DynamoDB::Table", "Properties": {
				"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
				"AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
				"GlobalSecondaryIndexes": [{}]}}`,
			"resource T: table",
		},
		{
			"a function without a binary", replace(t, work, "folder", "other"),
			"resource Work: it has no folder",
		},
		{
			"a function with a role of another stack",
			replace(t, work, `{"Fn::GetAtt": ["Role", "Arn"]}`, `"arn:aws:iam::1:role/x"`),
			"resource Work: its role arn:aws:iam::1:role/x is not in the stack",
		},
		{
			"a queue's consumer whose role may not read it",
			work + `, ` + queue + `,
				"Feed": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {
					"FunctionName": {"Ref": "Work"},
					"EventSourceArn": {"Fn::GetAtt": ["Jobs", "Arn"]}}}`,
			"resource Feed: ",
		},
	})
}

func TestStacksWithAPIsThatCannotBeCreated(t *testing.T) {
	checkRefused(t, []refusedStack{
		{
			"a route whose function API Gateway may not invoke", socket + stage,
			"resource Socket: route $connect (Route): no AWS::Lambda::Permission lets " +
				"apigateway.amazonaws.com invoke Shop-Work for it",
		},
		{
			"an API without a stage", socket + allowed,
			"resource Socket: the API has 0 stages",
		},
		{
			"a route to nowhere", replace(t, socket, "${To}", "x") + stage + allowed,
			`its target "integrations/x" is not an integration`,
		},
		{
			"an API that is not for WebSocket",
			replace(t, socket, `"WEBSOCKET"`, `"HTTP"`) + stage + allowed,
			"WebSocket APIs only, not HTTP",
		},
	})
}

func TestStacksWithRulesThatCannotBeCreated(t *testing.T) {
	changed := func(before, after string) string {
		return bus + rule + replace(t, queuePolicy, before, after)
	}
	arnOf := func(resource string) string { return `{"Fn::GetAtt": ["` + resource + `", "Arn"]}` }
	checkRefused(t, []refusedStack{
		{
			"a rule whose function it may not invoke",
			work + `, "Clock": {"Type": "AWS::Events::Rule", "Properties": {
				"ScheduleExpression": "rate(1 minute)",
				"Targets": [{"Id": "x", "Arn": {"Fn::GetAtt": ["Work", "Arn"]}}]}}`,
			"resource Clock: no AWS::Lambda::Permission lets events.amazonaws.com " +
				"invoke Shop-Work for it",
		},
		{
			"an unknown operator of patterns",
			bus + queuePolicy + replace(t, rule, `"till"`, `{"prefix": "s"}`),
			"resource Sales: rule Shop|Shop-Sales: EventPattern",
		},
		{
			"a rule on a bus of another stack",
			queue + queuePolicy + replace(t, rule, `{"Ref": "Bus"}`, `"other"`),
			"event bus other does not exist",
		},
		{
			"two buses of one name",
			bus + `, "Twin": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "Shop"}}`,
			"resource Twin: event bus Shop: exists already",
		},
		{"a rule without a queue policy", bus + rule, noPolicy},
		{"a policy for another service", changed("events.", "sns."), noPolicy},
		{"a policy for another rule", changed(arnOf("Sales"), `"arn:x"`), noPolicy},
		{"a policy for another queue", changed(arnOf("Jobs"), `"arn:x"`), noPolicy},
		{"a policy that lets read only", changed("SendMessage", "ReceiveMessage"), noPolicy},
		{"a policy with an unknown condition", changed("ArnEquals", "ArnNotEquals"), noPolicy},
		{"a policy attached to another queue", changed(`{"Ref": "Jobs"}`, `"https://x"`), noPolicy},
	})
}

func TestASocketAPIIsServedUnderItsOwnHost(t *testing.T) {
	stack := stackOf(t, socket+stage+allowed)
	c, err := boot(t, stack)
	if err != nil {
		t.Fatal(err)
	}
	api := stack.OfType("AWS::ApiGatewayV2::Api")[0].ID
	host := api + ".execute-api.us-east-1.amazonaws.com"
	if c.Host(host) == nil {
		t.Errorf("nothing is served as %s", host)
	}
	if c.Host("example.com") != nil {
		t.Error("example.com is served, which is not the stack's")
	}
}
