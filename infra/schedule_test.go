package main

import "testing"

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
		"SourceArn": getAtt("SweepSchedule", "Arn"),
	}) {
		t.Error("EventBridge may not invoke it")
	}
}
