package cloud

import (
	"errors"
	"fmt"
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
	stack, err := parsed.Resolve(template.Env{StackName: stackName, Region: region, Account: account, StackID: "arn:x"})
	if err != nil {
		t.Fatal(err)
	}
	return stack
}

// boot creates the stack with an executable that is never run.
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

const (
	workRole = `"Role": {"Type": "AWS::IAM::Role", "Properties": {}}`
	work     = workRole + `, "Work": {"Type": "AWS::Lambda::Function", "Metadata": {"folder": "work"},
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
	bus   = queue + `, "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "Shop"}}`
	rule  = `, "Sales": {"Type": "AWS::Events::Rule", "Properties": {"EventBusName": {"Ref": "Bus"},
		"EventPattern": {"source": ["till"]}, "Targets": [{"Id": "x", "Arn": {"Fn::GetAtt": ["Jobs", "Arn"]}}]}}`
	letsIn = `, "Lets": {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [{"Ref": "Jobs"}], "PolicyDocument": {"Statement": {
		"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
		"Resource": {"Fn::GetAtt": ["Jobs", "Arn"]}, "Condition": {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["Sales", "Arn"]}}}}}}}`
	noPolicy = "resource Sales: no AWS::SQS::QueuePolicy lets events.amazonaws.com send to arn:aws:sqs:us-east-1:000000000000:Shop-Jobs for it"
)

func TestABusSendsToAQueue(t *testing.T) {
	c, err := boot(t, stackOf(t, bus+rule+letsIn))
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(
		`{"Entries":[{"EventBusName":"Shop","Source":"till","DetailType":"sale","Detail":"{}"}]}`))
	r.Header.Set("X-Amz-Target", "AWSEvents.PutEvents")
	w := httptest.NewRecorder()
	c.Handler().ServeHTTP(w, r)
	got, err := c.queues.Receive(t.Context(), "arn:aws:sqs:us-east-1:000000000000:Shop-Jobs", 10, 0)
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
		{"a function without a binary", strings.Replace(work, "folder", "other", 1), "resource Work: it has no folder"},
		{
			"a function with a role of another stack", strings.Replace(work, `{"Fn::GetAtt": ["Role", "Arn"]}`, `"arn:aws:iam::1:role/x"`, 1),
			"resource Work: its role arn:aws:iam::1:role/x is not in the stack",
		},
		{
			"a route whose function API Gateway may not invoke", socket + stage,
			"resource Socket: route $connect (Route): no AWS::Lambda::Permission lets apigateway.amazonaws.com invoke Shop-Work for it",
		},
		{"an API without a stage", socket + allowed, "resource Socket: the API has 0 stages"},
		{"a route to nowhere", strings.Replace(socket, "${To}", "x", 1) + stage + allowed, `its target "integrations/x" is not an integration`},
		{"an API that is not for WebSocket", strings.Replace(socket, `"WEBSOCKET"`, `"HTTP"`, 1) + stage + allowed, "WebSocket APIs only, not HTTP"},
		{
			"a rule whose function it may not invoke", work + `, "Clock": {"Type": "AWS::Events::Rule", "Properties": {
			"ScheduleExpression": "rate(1 minute)", "Targets": [{"Id": "x", "Arn": {"Fn::GetAtt": ["Work", "Arn"]}}]}}`,
			"resource Clock: no AWS::Lambda::Permission lets events.amazonaws.com invoke Shop-Work for it",
		},
		{"an unknown operator of patterns", bus + letsIn + strings.Replace(rule, `"till"`, `{"prefix": "s"}`, 1), "resource Sales: rule Shop|Shop-Sales: EventPattern"},
		{"a rule on a bus of another stack", queue + letsIn + strings.Replace(rule, `{"Ref": "Bus"}`, `"other"`, 1), "event bus other does not exist"},
		{"two buses of one name", bus + `, "Twin": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "Shop"}}`, "resource Twin: event bus Shop: exists already"},
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

func TestASocketAPIIsServedUnderItsOwnHost(t *testing.T) {
	stack := stackOf(t, socket+stage+allowed)
	c, err := boot(t, stack)
	if err != nil {
		t.Fatal(err)
	}
	host := stack.OfType("AWS::ApiGatewayV2::Api")[0].ID + ".execute-api.us-east-1.amazonaws.com"
	if c.Host(host) == nil {
		t.Errorf("nothing is served as %s", host)
	}
	if c.Host("example.com") != nil {
		t.Error("example.com is served, which is not the stack's")
	}
}
