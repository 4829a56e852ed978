package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hark/shared/config"
)

// functionIDs are the logical ids of the functions by folder name.
func functionIDs() map[string]string {
	ids := map[string]string{}
	for _, name := range functionNames {
		ids[name] = strings.ToUpper(name[:1]) + name[1:]
	}
	return ids
}

func TestLogicalIDsNeverMove(t *testing.T) {
	tmpl := golden(t)
	want := map[string]string{
		"Apps":           "AWS::DynamoDB::Table", // retained: a new id would be an empty table beside it
		"State":          "AWS::DynamoDB::Table",
		"Broadcasts":     "AWS::SQS::Queue",
		"DeadBroadcasts": "AWS::SQS::Queue",
		"Socket":         "AWS::ApiGatewayV2::Api",
		"Stage":          "AWS::ApiGatewayV2::Stage",
		"PublishUrl":     "AWS::Lambda::Url",              // its host is in users' .env
		"Client":         "AWS::CloudFront::Distribution", // so is this one's, and in their web pages
		"ViewerRequest":  "AWS::CloudFront::Function",
	}
	for _, id := range functionIDs() {
		want[id], want[id+"Role"], want[id+"Logs"] = "AWS::Lambda::Function", "AWS::IAM::Role", "AWS::Logs::LogGroup"
	}
	for id, cfnType := range want {
		if got := tmpl.Resources[id].Type; got != cfnType {
			t.Errorf("%s is a %q, not a %s", id, got, cfnType)
		}
	}
}

func TestFunctionsMayDoWhatTheyUseAndNothingElse(t *testing.T) {
	const connections = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Socket}/v1/"
	want := map[string][]string{
		"connect": {
			"dynamodb:GetItem ${Apps.Arn}",
			"dynamodb:PutItem ${State.Arn}",
			"execute-api:ManageConnections " + connections + "DELETE/@connections/*",
			"execute-api:ManageConnections " + connections + "POST/@connections/*",
		},
		"message": {
			"dynamodb:BatchGetItem ${State.Arn}",
			"dynamodb:DeleteItem ${State.Arn}",
			"dynamodb:GetItem ${Apps.Arn}",
			"dynamodb:GetItem ${State.Arn}",
			"dynamodb:PutItem ${State.Arn}",
			"dynamodb:Query ${State.Arn}",
			"dynamodb:UpdateItem ${State.Arn}",
			"execute-api:ManageConnections " + connections + "DELETE/@connections/*",
			"execute-api:ManageConnections " + connections + "POST/@connections/*",
		},
		"disconnect": {
			"dynamodb:DeleteItem ${State.Arn}",
			"dynamodb:PutItem ${State.Arn}",
			"dynamodb:Query ${State.Arn}",
			"dynamodb:UpdateItem ${State.Arn}",
		},
		"api": {
			"dynamodb:GetItem ${Apps.Arn}",
			"dynamodb:Query ${State.Arn}",
			"sqs:SendMessage ${Broadcasts.Arn}",
		},
		"broadcast": {
			"dynamodb:DeleteItem ${State.Arn}",
			"dynamodb:PutItem ${State.Arn}",
			"dynamodb:Query ${State.Arn}",
			"dynamodb:UpdateItem ${State.Arn}",
			"execute-api:ManageConnections " + connections + "DELETE/@connections/*",
			"execute-api:ManageConnections " + connections + "GET/@connections/*",
			"execute-api:ManageConnections " + connections + "POST/@connections/*",
			"sqs:DeleteMessage ${Broadcasts.Arn}",
			"sqs:GetQueueAttributes ${Broadcasts.Arn}",
			"sqs:ReceiveMessage ${Broadcasts.Arn}",
		},
		"sweep": {
			"dynamodb:DeleteItem ${State.Arn}",
			"dynamodb:GetItem ${State.Arn}",
			"dynamodb:PutItem ${State.Arn}",
			"dynamodb:Query ${State.Arn}",
			"dynamodb:UpdateItem ${State.Arn}",
			"execute-api:ManageConnections " + connections + "DELETE/@connections/*",
		},
	}
	tmpl := golden(t)
	for name, id := range functionIDs() {
		t.Run(name, func(t *testing.T) {
			want := append(want[name],
				"logs:CreateLogStream ${"+id+"Logs.Arn}", "logs:PutLogEvents ${"+id+"Logs.Arn}")
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

// allowed returns what a role may do, as sorted lines "action resource".
func allowed(t *testing.T, tmpl template, role string) []string {
	t.Helper()
	if managed := tmpl.at(role, "ManagedPolicyArns"); managed != nil {
		t.Errorf("%s has managed policies: %v", role, managed)
	}
	var lines []string
	for _, policy := range list(tmpl.at(role, "Policies")) {
		for _, s := range policy.(map[string]any)["PolicyDocument"].(map[string]any)["Statement"].([]any) {
			statement := s.(map[string]any)
			if statement["Effect"] != "Allow" || statement["Condition"] != nil || statement["NotAction"] != nil {
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

func TestNoPolicyStandsBesideTheRoles(t *testing.T) {
	tmpl := golden(t)
	for _, cfnType := range []string{"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"} {
		if ids := tmpl.ofType(cfnType); len(ids) > 0 {
			t.Errorf("%s: %v", cfnType, ids)
		}
	}
	if got := len(tmpl.ofType("AWS::IAM::Role")); got != len(functionNames) {
		t.Errorf("%d roles for %d functions", got, len(functionNames))
	}
}

func TestFunctions(t *testing.T) {
	tmpl := golden(t)
	if got := tmpl.ofType("AWS::Lambda::Function"); len(got) != len(functionNames) {
		t.Errorf("functions: %v", got)
	}
	environment := map[string][]string{
		"connect":    {config.CallbackURL, config.AppsTable, config.OriginSecret, config.StateTable},
		"message":    {config.CallbackURL, config.AppsTable, config.StateTable},
		"disconnect": {config.StateTable},
		"api":        {config.AppsTable, config.BroadcastsQueue, config.StateTable},
		"broadcast":  {config.CallbackURL, config.StateTable},
		"sweep":      {config.CallbackURL, config.StateTable},
	}
	for name, id := range functionIDs() {
		t.Run(name, func(t *testing.T) {
			for property, want := range map[string]any{
				"FunctionName":  "Hark-" + name,
				"Runtime":       "provided.al2023",
				"Handler":       "bootstrap",
				"Architectures": []any{"arm64"},
				"Timeout":       config.FunctionTimeout.Seconds(),
				"LoggingConfig": map[string]any{
					"LogFormat": "JSON", "LogGroup": map[string]any{"Ref": id + "Logs"},
					"SystemLogLevel": "WARN", "ApplicationLogLevel": "INFO",
				},
				"ReservedConcurrentExecutions": nil, // fails the deployment on a new account
			} {
				if diff := cmp.Diff(want, tmpl.at(id, property)); diff != "" {
					t.Errorf("%s: %s", property, diff)
				}
			}
			if got := tmpl.Resources[id].Metadata["hark:source"]; got != "functions/"+name {
				t.Errorf("hark:source is %v", got)
			}
			var names []string
			for variable := range tmpl.at(id, "Environment", "Variables").(map[string]any) {
				names = append(names, variable)
			}
			slices.Sort(names)
			if diff := cmp.Diff(environment[name], names); diff != "" {
				t.Errorf("environment: %s", diff)
			}
			if days := tmpl.at(id+"Logs", "RetentionInDays"); days != 7.0 {
				t.Errorf("logs are kept %v days", days)
			}
		})
	}
}

func TestTables(t *testing.T) {
	tmpl := golden(t)
	if got := tmpl.ofType("AWS::DynamoDB::Table"); !slices.Equal(got, []string{"Apps", "State"}) {
		t.Fatalf("tables: %v", got)
	}
	for _, id := range []string{"Apps", "State"} {
		if got := tmpl.at(id, "BillingMode"); got != "PAY_PER_REQUEST" {
			t.Errorf("%s is billed by %v", id, got)
		}
		for _, slow := range []string{"GlobalSecondaryIndexes", "LocalSecondaryIndexes", "StreamSpecification"} {
			if got := tmpl.at(id, slow); got != nil {
				t.Errorf("%s has %s: %v", id, slow, got)
			}
		}
	}
	if got := tmpl.at("State", "TimeToLiveSpecification"); text(got) != `{"AttributeName":"expires","Enabled":true}` {
		t.Errorf("State expires by %v", got)
	}
	if got := tmpl.Resources["State"].DeletionPolicy; got != "Delete" {
		t.Errorf("State: %s", got)
	}
	if got := tmpl.Resources["Apps"].DeletionPolicy; got != "Retain" {
		t.Errorf("Apps: %s", got)
	}
	if tmpl.at("Apps", "DeletionProtectionEnabled") != true {
		t.Error("Apps can be deleted")
	}
	if tmpl.at("Apps", "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled") != true {
		t.Error("Apps cannot be recovered")
	}
}

func TestBroadcastsQueue(t *testing.T) {
	tmpl := golden(t)
	for property, want := range map[string]any{
		"FifoQueue":              true,
		"FifoThroughputLimit":    "perMessageGroupId",
		"DeduplicationScope":     "messageGroup",
		"VisibilityTimeout":      config.QueueVisibility.Seconds(),
		"MessageRetentionPeriod": config.QueueRetention.Seconds(),
		"RedrivePolicy": map[string]any{
			"deadLetterTargetArn": map[string]any{"Fn::GetAtt": []any{"DeadBroadcasts", "Arn"}},
			"maxReceiveCount":     float64(config.QueueReceives),
		},
		"ContentBasedDeduplication": nil, // two equal events are two events
	} {
		if diff := cmp.Diff(want, tmpl.at("Broadcasts", property)); diff != "" {
			t.Errorf("%s: %s", property, diff)
		}
	}
	if tmpl.at("DeadBroadcasts", "FifoQueue") != true {
		t.Error("the dead-letter queue of a FIFO queue must be one")
	}
	if got := tmpl.at("DeadBroadcasts", "MessageRetentionPeriod"); got != deadRetention.Seconds() {
		t.Errorf("dead letters are kept %v seconds", got)
	}
	for property, want := range map[string]any{
		"BatchSize":             float64(config.BroadcastBatch),
		"EventSourceArn":        map[string]any{"Fn::GetAtt": []any{"Broadcasts", "Arn"}},
		"FunctionName":          map[string]any{"Ref": "Broadcast"},
		"FunctionResponseTypes": []any{"ReportBatchItemFailures"},
		"ScalingConfig":         map[string]any{"MaximumConcurrency": float64(config.BroadcastsAtOnce)},
	} {
		if diff := cmp.Diff(want, tmpl.at("BroadcastsFeed", property)); diff != "" {
			t.Errorf("feed: %s: %s", property, diff)
		}
	}
}

func TestNoInvocationOutlivesItsMessages(t *testing.T) {
	if config.FunctionTimeout >= config.QueueVisibility {
		t.Errorf("a function may run %v, its messages come back after %v", config.FunctionTimeout, config.QueueVisibility)
	}
	if config.QueueVisibility >= config.QueueRetention {
		t.Errorf("a message that fails comes back after %v and is gone after %v", config.QueueVisibility, config.QueueRetention)
	}
}

func TestSweepRunsEachMinute(t *testing.T) {
	tmpl := golden(t)
	if got := tmpl.at("SweepSchedule", "ScheduleExpression"); got != "rate(1 minute)" {
		t.Error(got)
	}
	if got := text(tmpl.at("SweepSchedule", "Targets", 0, "Arn")); got != "${Sweep.Arn}" {
		t.Error(got)
	}
	if !permits(tmpl, "Sweep", "lambda:InvokeFunction", map[string]any{
		"Principal": "events.amazonaws.com",
		"SourceArn": map[string]any{"Fn::GetAtt": []any{"SweepSchedule", "Arn"}},
	}) {
		t.Error("EventBridge may not invoke it")
	}
}

// permits reports whether a Lambda permission on the function allows exactly this.
func permits(tmpl template, function, action string, rest map[string]any) bool {
	want := map[string]any{
		"Action":       action,
		"FunctionName": map[string]any{"Fn::GetAtt": []any{function, "Arn"}},
	}
	for k, v := range rest {
		want[k] = v
	}
	return slices.ContainsFunc(tmpl.ofType("AWS::Lambda::Permission"), func(id string) bool {
		return cmp.Equal(want, tmpl.Resources[id].Properties)
	})
}
