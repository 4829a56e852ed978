package lambda_test

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"hark/localstack/cloud/lambda"
	"hark/localstack/cloud/meter"
)

func TestAnEventThatFailsIsTriedThreeTimes(t *testing.T) {
	var log safeBuffer
	c, g := newCloud(t, func(o *lambda.Options) {
		o.RetryDelays = []time.Duration{time.Millisecond, time.Millisecond}
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
	}), newGate(t)
	c.createCalling(g, "report")
	if err := c.InvokeAsync(t.Context(), "report", []byte(`"lost"`)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		try := g.call()
		if try.body != `"lost"` {
			t.Errorf("got %s", try.body)
		}
		try.answer <- "fail"
	}
	eventually(t, "the event to be dropped", func() bool {
		return strings.Contains(log.String(), "event dropped")
	})
	if n := c.counted(
		meter.FunctionRequests, meter.By{Function: "report", Operation: meter.Event},
	); n != 3 {
		t.Errorf("counted %v requests, want 3", n)
	}

	if err := c.InvokeAsync(t.Context(), "report", []byte(`"kept"`)); err != nil {
		t.Fatal(err)
	}
	for _, verdict := range []string{"fail", ""} {
		g.call().answer <- verdict
	}
	if err := c.InvokeAsync(t.Context(), "report", make([]byte, 1<<20+1)); err == nil ||
		err.Error() != "RequestTooLargeException: 1048577 byte payload is too large for the "+
			"Event invocation type (limit 1048576 bytes)" {
		t.Errorf("got %v", err)
	}
}

// schedules are schedules and their events.
var schedules = []struct {
	name string
	spec lambda.ScheduleSpec
	want events.EventBridgeEvent
}{
	{
		"a rule",
		lambda.ScheduleSpec{
			Name:               "sweep",
			ScheduleExpression: "rate(1 minute)",
			Targets:            []lambda.ScheduleTarget{{Arn: "report"}},
		},
		events.EventBridgeEvent{
			Version:    "0",
			DetailType: "Scheduled Event",
			Source:     "aws.events",
			AccountID:  "000000000000",
			Region:     "us-east-1",
			Resources:  []string{"arn:aws:events:us-east-1:000000000000:rule/sweep"},
			Detail:     json.RawMessage("{}"),
		},
	},
	{
		"a schedule",
		lambda.ScheduleSpec{
			Name:               "sweep",
			ScheduleExpression: "rate(5 minutes)",
			Target:             &lambda.ScheduleTarget{Arn: "report"},
		},
		events.EventBridgeEvent{
			Version:    "0",
			DetailType: "Scheduled Event",
			Source:     "aws.scheduler",
			AccountID:  "000000000000",
			Region:     "us-east-1",
			Resources:  []string{"arn:aws:scheduler:us-east-1:000000000000:schedule/default/sweep"},
			Detail:     json.RawMessage(`"{}"`),
		},
	},
}

func TestSchedulesInvokeWithTheEventOfAWS(t *testing.T) {
	for _, tc := range schedules {
		t.Run(tc.name, func(t *testing.T) {
			c, g := newCloud(t, func(o *lambda.Options) { o.Speed = 60_000 }), newGate(t)
			c.createCalling(g, "report")
			if err := c.Schedule(tc.spec); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				reported := g.call()
				reported.answer <- ""
				var got events.EventBridgeEvent
				if err := json.Unmarshal([]byte(reported.body), &got); err != nil || got.ID == "" {
					t.Fatalf("%v in %s", err, reported.body)
				}
				if !got.Time.Equal(time.Date(2026, 11, 24, 12, 30, 0, 0, time.UTC)) {
					t.Errorf("at %v", got.Time)
				}
				got.ID, got.Time = "", time.Time{}
				if a, b := mustJSON(t, got), mustJSON(t, tc.want); a != b {
					t.Errorf("got  %s\nwant %s", a, b)
				}
			}
		})
	}
}

func TestAScheduleHasAnInput(t *testing.T) {
	c, g := newCloud(t, func(o *lambda.Options) { o.Speed = 60_000 }), newGate(t)
	c.createCalling(g, "report")
	target := lambda.ScheduleTarget{Arn: "report", Input: `{"my":"input"}`}
	if err := c.Schedule(lambda.ScheduleSpec{
		Name: "s", ScheduleExpression: "rate(1 minute)", Target: &target,
	}); err != nil {
		t.Fatal(err)
	}
	reported := g.call()
	reported.answer <- ""
	if reported.body != `{"my":"input"}` {
		t.Errorf("got %s", reported.body)
	}
}

func TestScheduleRefuses(t *testing.T) {
	c := newCloud(t)
	c.create("echo")
	for _, tc := range []struct{ name, expression, function, want string }{
		{"cron", "cron(0 12 * * ? *)", "echo", "is not supported"},
		{"a rate of nothing", "rate(0 minutes)", "echo", "a rate of 0"},
		{"no function", "rate(1 day)", "nobody", "Function not found"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := c.Schedule(lambda.ScheduleSpec{
				Name: "s", ScheduleExpression: tc.expression, Targets: []lambda.ScheduleTarget{
					{Arn: tc.function},
				},
			})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func mustJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
