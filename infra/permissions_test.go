package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// permissions are what a form's functions may do: for each part of the stack the actions, without
// their service.
func (f form) permissions() map[string]map[string]string {
	// forgets are the actions that forget a connection, with its members and users.
	const forgets = "BatchWriteItem DeleteItem GetItem PutItem Query UpdateItem"
	const consumes = "DeleteMessage GetQueueAttributes ReceiveMessage"
	p := map[string]map[string]string{
		"connect": {apps: "GetItem", state: "PutItem Query UpdateItem", connections: "DELETE POST"},
		"message": {
			apps: "GetItem", state: "BatchGetItem " + forgets,
			broadcasts: "SendMessage", connections: "DELETE POST",
		},
		"disconnect": {apps: "GetItem", state: forgets, broadcasts: "SendMessage"},
		"api": {
			apps: "GetItem", state: "GetItem PutItem Query",
			broadcasts: "SendMessage", connections: "DELETE POST",
		},
		"broadcast": {
			apps: "GetItem", state: forgets,
			broadcasts: consumes + " SendMessage", connections: "DELETE GET POST",
		},
		"sweep": {
			apps: "GetItem Scan", state: forgets,
			broadcasts: "SendMessage", connections: "DELETE GET",
		},
	}
	if f.name == "named" {
		answering := func(onState string) map[string]string {
			return map[string]string{
				apps: "GetItem", state: onState,
				broadcasts: "SendMessage", connections: "DELETE POST",
			}
		}
		p["message"] = answering("GetItem UpdateItem")
		p["subscribe"] = answering("BatchGetItem DeleteItem GetItem PutItem Query UpdateItem")
		p["auth"] = answering(forgets)
	}
	if f.name == "webhooks" {
		for _, name := range []string{"message", "disconnect", "broadcast", "sweep"} {
			p[name][checks] = "SendMessage"
		}
		for _, name := range []string{"message", "broadcast"} {
			p[name][deliveries] = "SendMessage"
		}
		p["webhook"] = map[string]string{
			apps: "GetItem", state: "DeleteItem GetItem PutItem Query UpdateItem",
			checks:     consumes,
			deliveries: consumes + " ChangeMessageVisibility SendMessage",
			bus:        "PutEvents",
		}
		p["publish"] = map[string]string{
			apps: "GetItem", broadcasts: "SendMessage",
			publish: consumes, refused: "SendMessage",
		}
	}
	return p
}

// The parts of the stack that functions have permissions on.
const (
	apps       = "dynamodb:%s ${Apps.Arn}"
	state      = "dynamodb:%s ${State.Arn}"
	broadcasts = "sqs:%s ${Broadcasts.Arn}"

	checks     = "sqs:%s ${Checks.Arn}"
	deliveries = "sqs:%s ${Deliveries.Arn}"
	publish    = "sqs:%s ${Publish.Arn}"
	refused    = "sqs:%s ${DeadPublish.Arn}"
	bus        = "events:%s ${Bus.Arn}"

	connections = "execute-api:ManageConnections arn:${AWS::Partition}:execute-api:" +
		"${AWS::Region}:${AWS::AccountId}:${Socket}/v1/%s/@connections/*"
)

func TestFunctionsMayDoWhatTheyUseAndNothingElse(t *testing.T) { inEachForm(t, testPermissions) }

func testPermissions(t *testing.T, f form, tmpl template) {
	for name, id := range f.ids() {
		t.Run(name, func(t *testing.T) {
			logs := "${" + id + "Logs.Arn}"
			want := []string{"logs:CreateLogStream " + logs, "logs:PutLogEvents " + logs}
			for part, actions := range f.permissions()[name] {
				for action := range strings.FieldsSeq(actions) {
					want = append(want, strings.Replace(part, "%s", action, 1))
				}
			}
			slices.Sort(want)
			if diff := cmp.Diff(want, allowed(t, tmpl, id+"Role")); diff != "" {
				t.Error(diff)
			}
			if got := text(tmpl.at(id, "Role")); got != "${"+id+"Role.Arn}" {
				t.Errorf("acts as %s", got)
			}
		})
	}
}

// A route that has a function of its own is there so that each function may do less.
func TestNamedRoutesAllowEachFunctionLess(t *testing.T) {
	byDefault := allowed(t, golden(t, "default"), "MessageRole")
	tmpl := golden(t, "named")
	for _, id := range []string{"Message", "Subscribe", "Auth"} {
		may := allowed(t, tmpl, id+"Role")
		if len(may) >= len(byDefault) {
			t.Errorf("%s may do as much as one function for all frames", id)
		}
		for _, line := range may {
			if !strings.HasPrefix(line, "logs:") && !slices.Contains(byDefault, line) {
				t.Errorf("%s may do what one function for all frames may not: %s", id, line)
			}
		}
	}
}

// allowed returns what a role may do, as sorted lines "action resource".
func allowed(t *testing.T, tmpl template, role string) []string {
	t.Helper()
	if managed := tmpl.at(role, "ManagedPolicyArns"); managed != nil {
		t.Errorf("%s has managed policies: %v", role, managed)
	}
	var lines []string
	for _, policy := range list(tmpl.at(role, "Policies")) {
		document := policy.(map[string]any)["PolicyDocument"].(map[string]any)
		for _, s := range document["Statement"].([]any) {
			statement := s.(map[string]any)
			plain := statement["Effect"] == "Allow" &&
				statement["Condition"] == nil && statement["NotAction"] == nil
			if !plain {
				t.Errorf("%s: not a plain Allow: %v", role, statement)
			}
			for _, action := range list(statement["Action"]) {
				for _, on := range list(statement["Resource"]) {
					lines = append(lines, text(action)+" "+text(on))
				}
			}
		}
	}
	slices.Sort(lines)
	return lines
}

func TestEveryPolicyIsInARole(t *testing.T) { inEachForm(t, testEveryPolicyIsInARole) }

func testEveryPolicyIsInARole(t *testing.T, f form, tmpl template) {
	for _, cfnType := range []string{
		"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy",
	} {
		if ids := tmpl.ofType(cfnType); len(ids) > 0 {
			t.Errorf("%s: %v", cfnType, ids)
		}
	}
	if got := len(tmpl.ofType("AWS::IAM::Role")); got != len(f.functions) {
		t.Errorf("%d roles for %d functions", got, len(f.functions))
	}
}

func TestNothingElseMayInvokeAFunction(t *testing.T) {
	inEachForm(t, func(t *testing.T, _ form, tmpl template) {
		// One for each route, the two permissions of the URL, the schedule.
		want := len(tmpl.ofType("AWS::ApiGatewayV2::Route")) + 3
		if got := tmpl.ofType("AWS::Lambda::Permission"); len(got) != want {
			t.Errorf("permissions: %v", got)
		}
	})
}

// permits reports whether a Lambda permission on the function allows exactly this.
func permits(tmpl template, function, action string, rest map[string]any) bool {
	want := map[string]any{
		"Action":       action,
		"FunctionName": getAtt(function, "Arn"),
	}
	for k, v := range rest {
		want[k] = v
	}
	return slices.ContainsFunc(tmpl.ofType("AWS::Lambda::Permission"), func(id string) bool {
		return cmp.Equal(want, tmpl.Resources[id].Properties)
	})
}
