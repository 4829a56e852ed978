package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hark/shared/config"
)

// ids are the logical ids of the form's functions by folder name.
func (f form) ids() map[string]string {
	ids := map[string]string{}
	for _, name := range f.functions {
		ids[name] = strings.ToUpper(name[:1]) + name[1:]
	}
	if _, ok := ids["publish"]; ok {
		ids["publish"] = "Publisher" // Publish is a queue
	}
	return ids
}

func TestLogicalIDsNeverMove(t *testing.T) { inEachForm(t, testLogicalIDsNeverMove) }

func testLogicalIDsNeverMove(t *testing.T, f form, tmpl template) {
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
	if f.name == "webhooks" {
		for _, id := range []string{"Checks", "DeadChecks", "Deliveries", "DeadDeliveries", "Publish", "DeadPublish"} {
			want[id] = "AWS::SQS::Queue"
		}
		want["Bus"] = "AWS::Events::EventBus" // whose name is fixed
	}
	for _, id := range f.ids() {
		want[id], want[id+"Role"], want[id+"Logs"] = "AWS::Lambda::Function", "AWS::IAM::Role", "AWS::Logs::LogGroup"
	}
	for id, cfnType := range want {
		if got := tmpl.Resources[id].Type; got != cfnType {
			t.Errorf("%s is a %q, not a %s", id, got, cfnType)
		}
	}
}

func TestFunctions(t *testing.T) { inEachForm(t, testFunctions) }

func testFunctions(t *testing.T, f form, tmpl template) {
	if got := tmpl.ofType("AWS::Lambda::Function"); len(got) != len(f.functions) {
		t.Errorf("functions: %v", got)
	}
	environment := f.environment()
	for name, id := range f.ids() {
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
			names := slices.Sorted(maps.Keys(tmpl.at(id, "Environment", "Variables").(map[string]any)))
			want := slices.Sorted(slices.Values(environment[name]))
			if diff := cmp.Diff(want, names); diff != "" {
				t.Errorf("environment: %s", diff)
			}
			if days := tmpl.at(id+"Logs", "RetentionInDays"); days != 7.0 {
				t.Errorf("logs are kept %v days", days)
			}
		})
	}
}

// environment is which variables each function has.
func (f form) environment() map[string][]string {
	env := map[string][]string{
		"connect":    {config.CallbackURL, config.AppsTable, config.OriginSecret, config.StateTable},
		"disconnect": {config.AppsTable, config.BroadcastsQueue, config.StateTable},
		"webhook":    {config.AppsTable, config.StateTable, config.ChecksQueue, config.DeliveriesQueue, config.Bus},
		"publish":    {config.AppsTable, config.BroadcastsQueue, config.RefusedQueue},
	}
	for _, name := range []string{"message", "subscribe", "auth", "api", "broadcast", "sweep"} {
		env[name] = []string{config.CallbackURL, config.AppsTable, config.BroadcastsQueue, config.StateTable}
	}
	if f.name == "webhooks" {
		for _, name := range []string{"message", "disconnect", "broadcast", "sweep"} {
			env[name] = append(env[name], config.ChecksQueue)
		}
		for _, name := range []string{"message", "broadcast"} {
			env[name] = append(env[name], config.DeliveriesQueue)
		}
	}
	return env
}

func TestTables(t *testing.T) {
	tmpl := golden(t, "default")
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
	tmpl := golden(t, "default")
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
	tmpl := golden(t, "default")
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
