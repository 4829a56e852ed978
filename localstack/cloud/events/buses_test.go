package events_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hark/localstack/cloud/events"
	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/iam"
	"hark/localstack/cloud/meter"
)

const (
	account  = "000000000000"
	queueARN = "arn:aws:sqs:us-east-1:" + account + ":q.fifo"
	busARN   = "arn:aws:events:us-east-1:" + account + ":event-bus/Hark"
)

func TestAnEventReachesTheQueueInItsEnvelope(t *testing.T) {
	r := newRig(t, `{"detail-type":["hark.publish"]}`)
	status, answer := r.put(t.Context(), entry(`{"name":"<e>","n":1.50}`))
	var out struct {
		FailedEntryCount int
		Entries          []struct{ EventID string }
	}
	if err := json.Unmarshal([]byte(answer), &out); err != nil || status != http.StatusOK ||
		len(out.Entries) != 1 {
		t.Fatalf("%d %s", status, answer)
	}
	got := r.sent()
	if len(got) != 1 {
		t.Fatalf("%d messages", len(got))
	}
	want := `{"version":"0","id":"` + out.Entries[0].EventID + `","detail-type":"hark.publish",` +
		`"source":"shop","account":"000000000000",` +
		`"time":"2026-11-25T12:00:00Z","region":"us-east-1","resources":[],` +
		`"detail":{"name":"<e>","n":1.50}}`
	if diff := cmp.Diff(want, got[0].Body); diff != "" {
		t.Error(diff)
	}
	if got[0].Attributes["MessageGroupId"] != "bus" {
		t.Errorf("attributes %v", got[0].Attributes)
	}
}

func TestEqualEventsAreTwoEvents(t *testing.T) {
	r := newRig(t, `{"detail-type":["hark.publish"]}`)
	r.put(t.Context(), entry(`{}`), entry(`{}`))
	if got := r.sent(); len(got) != 2 {
		t.Errorf("%d messages", len(got))
	}
}

func TestPatternsMatchEvents(t *testing.T) {
	const event = `{"EventBusName":"Hark","Source":"shop","DetailType":"sale","Resources":["a","b"],
		"Time":1700000000,
		"Detail":"{\"n\":1.50,\"on\":true,\"none\":null,` +
		`\"tags\":[\"x\",\"y\"],\"to\":{\"city\":\"Rome\"}}"}`
	for _, tt := range []struct {
		name, pattern string
		want          bool
	}{
		{"one of the values", `{"detail-type":["return","sale"]}`, true},
		{"none of the values", `{"detail-type":["return"]}`, false},
		{"every field must match", `{"detail-type":["sale"],"source":["other"]}`, false},
		{"a field that is not there", `{"detail":{"absent":["x"]}}`, false},
		{"no value at all", `{"source":[]}`, false},
		{"a field within", `{"detail":{"to":{"city":["Rome"]}}}`, true},
		{"another one within", `{"detail":{"to":{"city":["Paris"]}}}`, false},
		{"fields of what has none", `{"source":{"city":["Rome"]}}`, false},
		{"an object is no value", `{"detail":{"to":["Rome"]}}`, false},
		{"a number as it is written", `{"detail":{"n":[1.50]}}`, true},
		{"the same number written otherwise", `{"detail":{"n":[1.5]}}`, false},
		{"true", `{"detail":{"on":[true]}}`, true},
		{"its text is something else", `{"detail":{"on":["true"]}}`, false},
		{"null", `{"detail":{"none":[null]}}`, true},
		{"an item of a list", `{"detail":{"tags":["y"]}}`, true},
		{"a resource", `{"resources":["b"]}`, true},
		{"the time", `{"time":["2023-11-14T22:13:20Z"]}`, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, tt.pattern)
			if status, answer := r.put(t.Context(), event); status != http.StatusOK {
				t.Fatal(answer)
			}
			if got := len(r.sent()) == 1; got != tt.want {
				t.Errorf("matches: %t", got)
			}
		})
	}
}

func TestEntriesAreRefusedOneByOne(t *testing.T) {
	r := newRig(t, `{"source":["shop"]}`)
	status, answer := r.put(t.Context(),
		`{"EventBusName":"Hark","DetailType":"sale","Detail":"{}"}`,
		`{"EventBusName":"Hark","Source":"shop","Detail":"{}"}`,
		`{"EventBusName":"Hark","Source":"shop","DetailType":"sale"}`,
		`{"EventBusName":"Hark","Source":"shop","DetailType":"sale","Detail":"[]"}`,
		`{"EventBusName":"Hark","Source":"shop","DetailType":"sale","Detail":"{} {}"}`,
		`{"EventBusName":"Hark","Source":"aws.s3","DetailType":"sale","Detail":"{}"}`,
		`{"EventBusName":"`+busARN+`","Source":"shop","DetailType":"sale","Detail":"{}"}`,
	)
	var out struct {
		FailedEntryCount int
		Entries          []struct{ EventID, ErrorCode, ErrorMessage string }
	}
	if err := json.Unmarshal([]byte(answer), &out); err != nil || status != http.StatusOK ||
		out.FailedEntryCount != 6 {
		t.Fatalf("%d %s", status, answer)
	}
	want := []string{
		"InvalidArgument", "InvalidArgument", "InvalidArgument", "MalformedDetail",
		"MalformedDetail", "NotAuthorizedForSourceException", "",
	}
	for i, e := range out.Entries {
		if e.ErrorCode != want[i] || (e.EventID == "") != (want[i] != "") {
			t.Errorf("entry %d: %+v", i, e)
		}
	}
	if got := out.Entries[1].ErrorMessage; got != "Parameter DetailType is not valid. Reason: "+
		"DetailType is a required argument." {
		t.Error(got)
	}
	if got := r.sent(); len(got) != 1 {
		t.Errorf("%d messages", len(got))
	}
}

func TestAnEventForAMissingBusIsDropped(t *testing.T) {
	r := newRig(t, `{"source":["shop"]}`)
	for _, bus := range []string{`"EventBusName":"other",`, ``} {
		status, answer := r.put(
			t.Context(), `{`+bus+`"Source":"shop","DetailType":"sale","Detail":"{}"}`,
		)
		if status != http.StatusOK || !strings.Contains(answer, `"FailedEntryCount":0`) {
			t.Errorf("%d %s", status, answer)
		}
	}
	if got := r.sent(); len(got) != 0 {
		t.Errorf("%d messages", len(got))
	}
}

func TestInvalidRequestsAreRefused(t *testing.T) {
	r := newRig(t, `{"source":["shop"]}`)
	many := strings.Split(strings.Repeat(entry(`{}`)+"\n", 11), "\n")[:11]
	for _, tt := range []struct{ name, target, body, want string }{
		{"no entry", "AWSEvents.PutEvents", `{"Entries":[]}`, "ValidationException"},
		{
			"eleven", "AWSEvents.PutEvents", `{"Entries":[` + strings.Join(many, ",") + `]}`,
			"less than or equal to 10",
		},
		{
			"over a megabyte", "AWSEvents.PutEvents",
			`{"Entries":[` + entry(`{"a":"`+strings.Repeat("x", 1<<20)+`"}`) + `]}`,
			"over the limit",
		},
		{"no JSON", "AWSEvents.PutEvents", `{`, "SerializationException"},
		{
			"a global endpoint", "AWSEvents.PutEvents",
			`{"EndpointId":"a.b","Entries":[` + entry(`{}`) + `]}`, "EndpointId is not supported",
		},
		{
			"another operation", "AWSEvents.ListRules", `{}`,
			"AWSEvents.ListRules is not part of the local cloud",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, answer := r.call(t.Context(), tt.target, tt.body)
			if status != http.StatusBadRequest || !strings.Contains(answer, tt.want) {
				t.Errorf("%d %s", status, answer)
			}
		})
	}
	if got := r.sent(); len(got) != 0 {
		t.Errorf("%d messages", len(got))
	}
}

func TestRolesPutEventsWhereTheirPoliciesSay(t *testing.T) {
	r := newRig(t, `{"source":["shop"]}`)
	for resource, want := range map[string]int{
		busARN: http.StatusOK, busARN + "2": http.StatusBadRequest,
	} {
		role := &iam.Role{Name: "fn", Session: "Hark-webhook", Account: account}
		role.Statements = []iam.Statement{
			{Effect: "Allow", Actions: []string{"events:PutEvents"}, Resources: []string{resource}},
		}
		status, answer := r.put(iam.WithRole(t.Context(), role), entry(`{}`))
		if status != want || want != http.StatusOK &&
			!strings.Contains(answer, `"__type":"AccessDeniedException"`) {
			t.Errorf("%s: %d %s", resource, status, answer)
		}
	}
	if got := r.sent(); len(got) != 1 { // the rule needs no permission of the caller
		t.Errorf("%d messages", len(got))
	}
	var lines []meter.Line
	for _, l := range r.meter.Lines() {
		if l.Service == "eventbridge" || l.Operation == "SendMessage" &&
			l.Unit == meter.QueueRequests {
			lines = append(lines, l)
		}
	}
	want := []meter.Line{
		{
			Service:   "eventbridge",
			Unit:      meter.BusEvents,
			Function:  "Hark-webhook",
			Operation: "PutEvents",
			N:         1,
		},
		{Service: "sqs", Unit: meter.QueueRequests, Operation: "SendMessage", N: 1},
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
}

func TestEach64KiBIsAnEventOnTheBill(t *testing.T) {
	r := newRig(t, `{"source":["other"]}`)
	const around = len(`{"a":""}`) + len("shop") + len("hark.publish")
	r.put(
		t.Context(), entry(`{}`), entry(`{"a":"`+strings.Repeat("x", 64<<10-around)+`"}`),
		entry(`{"a":"`+strings.Repeat("x", 64<<10-around+1)+`"}`),
	)
	if got := r.meter.Snapshot()[meter.BusEvents]; got != 4 {
		t.Errorf("counted %v", got)
	}
}

func TestFaultsStrike(t *testing.T) {
	r := newRig(t, `{"source":["shop"]}`)
	for status, want := range map[int]string{
		429: "400 ThrottlingException", 503: "503 InternalException",
	} {
		r.faults.Add(faults.Order{
			Faults: []faults.Fault{
				{Do: faults.Answer, Service: faults.EventBridge, Status: status, Count: 1},
			},
		})
		got, answer := r.put(t.Context(), entry(`{}`))
		var refusal struct {
			Type string `json:"__type"`
		}
		if err := json.Unmarshal([]byte(answer), &refusal); err != nil ||
			fmt.Sprint(got, " ", refusal.Type) != want {
			t.Errorf("%d: %d %s", status, got, answer)
		}
	}
	if got := r.sent(); len(got) != 0 {
		t.Errorf("%d messages", len(got))
	}
}

func TestCreateRefusesWhatIsNotSupported(t *testing.T) {
	r := newRig(t, `{"source":["shop"]}`)
	for name, spec := range map[string]events.BusSpec{
		"the name is not one": {}, "exists already": {Name: "Hark"}, "exists": {Name: "default"},
		"EventSourceName": {Name: "a", EventSourceName: "aws.partner/x"}, "DeadLetterConfig": {
			Name: "a", DeadLetterConfig: json.RawMessage(`{}`),
		},
	} {
		if err := r.CreateBus(spec); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%+v: %v", spec, err)
		}
	}
	for want, change := range map[string]func(*events.RuleSpec){
		"neither EventPattern nor schedule": func(s *events.RuleSpec) {
			s.EventPattern = nil
		},
		"is not an object with fields": func(s *events.RuleSpec) {
			s.EventPattern = json.RawMessage(`{}`)
		},
		"something follows": func(s *events.RuleSpec) {
			s.EventPattern = json.RawMessage(`{"a":[1]} 2`)
		},
		`source: {"prefix":"s"} is not supported`: func(s *events.RuleSpec) {
			s.EventPattern = json.RawMessage(`{"source":[{"prefix":"s"}]}`)
		},
		"source: shop is neither a list": func(s *events.RuleSpec) {
			s.EventPattern = json.RawMessage(`{"source":"shop"}`)
		},
		"event bus other does not exist": func(s *events.RuleSpec) {
			s.EventBusName = "other"
		},
		"ScheduleExpression": func(s *events.RuleSpec) {
			s.ScheduleExpression = "rate(1 minute)"
		},
		"State ENABLED_WITH_ALL": func(s *events.RuleSpec) {
			s.State = "ENABLED_WITH_ALL"
		},
		"target q: arn:aws:lambda:x, which is no queue, is not": func(s *events.RuleSpec) {
			s.Targets[0].ARN = "arn:aws:lambda:x"
		},
		"needs a MessageGroupId": func(s *events.RuleSpec) {
			s.Targets[0].SQSParameters.MessageGroupID = ""
		},
		"InputPath": func(s *events.RuleSpec) {
			s.Targets[0].InputPath = "$.detail"
		},
		"DeadLetterConfig": func(s *events.RuleSpec) {
			s.Targets[0].DeadLetterConfig = json.RawMessage(`{}`)
		},
	} {
		spec := ruleSpec(`{"source":["shop"]}`)
		change(&spec)
		if err := r.CreateRule(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
}

func TestADisabledRuleSendsNothing(t *testing.T) {
	r := newRig(t, `{"source":["nobody"]}`)
	spec := ruleSpec(`{"source":["shop"]}`)
	spec.State = "DISABLED"
	if err := r.CreateRule(spec); err != nil {
		t.Fatal(err)
	}
	r.put(t.Context(), entry(`{}`))
	if got := r.sent(); len(got) != 0 {
		t.Errorf("%d messages", len(got))
	}
}
