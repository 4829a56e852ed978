package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// price is what AWS asks for a unit in us-east-1, in USD, and how many units a month every account
// always gets free: not only in its first year, but shared with whatever else runs in it.
type price struct {
	usd, free float64
	source    string
}

// prices as of November 2026 (docs/aws.md §E). "quoted" is AWS's price page as others quote it,
// "unverified" is common knowledge: look both up again before publishing a figure.
func prices() map[string]price {
	const million = 1e6
	return map[string]price{
		"SQS FIFO request":         {0.50 / million, 1 * million, "quoted"},
		"Lambda request":           {0.20 / million, 1 * million, "quoted"},
		"Lambda arm64 GB-second":   {0.0000133334, 400_000, "quoted"},
		"DynamoDB read unit":       {0.125 / million, 0, "quoted; none free on demand"},
		"DynamoDB write unit":      {0.625 / million, 0, "quoted; none free on demand"},
		"DynamoDB GB-month":        {0.25, 25, "quoted"},
		"DynamoDB backup GB-month": {0.20, 0, "unverified"},
		"CloudWatch alarm":         {0.10, 10, "unverified"},
		"CloudWatch dashboard":     {3.00, 3, "unverified"},
		"EventBridge schedule event": {
			1.00 / million, 14 * million, "unverified: Scheduler's; rules are said to be free",
		},
		"S3 GB-month": {0.023, 0, "unverified"},
	}
}

// What an idle stack does in a month of 730 hours. The guesses are high.
const (
	minutes      = 730 * 60
	pollsAMinute = 3   // long polls of 20 seconds
	sweepSeconds = 0.1 // billed duration of a run that finds nothing
	// Reads of a run of sweep: its place, 8 lease partitions, the audit's place, the apps, a part
	// of a list. Each costs a unit, even if it is empty.
	sweepReads    = 12
	sweepWrites   = 2     // the new places of both
	tableGB       = 0.001 // a few apps, or rows that have not expired yet
	functionZipGB = 0.02  // an asset of 4 MB in the bootstrap's bucket, and the four before it
)

// usage is a line of the bill: so many units of something that has a price.
type usage struct {
	unit  string
	units float64
}

// idleUsage returns what a resource uses up in a month without connections and publishes. It
// returns false for a type of resource that it does not know: add a new type here.
func idleUsage(tmpl template, id string) ([]usage, bool) {
	switch tmpl.Resources[id].Type {
	case "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Stage", "AWS::ApiGatewayV2::Route",
		"AWS::ApiGatewayV2::Integration", "AWS::CloudFront::Distribution",
		"AWS::CloudFront::Function", "AWS::Lambda::Url", "AWS::Lambda::Permission",
		"AWS::IAM::Role", "AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "AWS::Events::EventBus":
		return nil, true // billed by use alone
	case "AWS::Logs::LogGroup":
		return nil, true // Lambda's own lines are off (SystemLogLevel); the functions log nothing
	case "AWS::Lambda::Function":
		return []usage{{"S3 GB-month", functionZipGB}}, true
	case "AWS::Lambda::EventSourceMapping":
		return []usage{{"SQS FIFO request", pollers(tmpl, id) * pollsAMinute * minutes}}, true
	case "AWS::Events::Rule":
		if tmpl.at(id, "EventPattern") != nil {
			return nil, true // by use: of the bus
		}
		return scheduleUsage(tmpl, id)
	case "AWS::DynamoDB::Table":
		lines := []usage{{"DynamoDB GB-month", tableGB}}
		if tmpl.at(id, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled") == true {
			lines = append(lines, usage{"DynamoDB backup GB-month", tableGB})
		}
		return lines, true
	case "AWS::CloudWatch::Alarm":
		return []usage{{"CloudWatch alarm", 1}}, true
	case "AWS::CloudWatch::Dashboard":
		return []usage{{"CloudWatch dashboard", 1}}, true
	default:
		return nil, false
	}
}

// pollers is how many long polls Lambda keeps open on an empty queue: 5, and as few as 2 unless a
// maximum concurrency is set, which turns that off (docs/aws.md §B).
func pollers(tmpl template, mapping string) float64 {
	if tmpl.at(mapping, "ScalingConfig", "MaximumConcurrency") != nil {
		return 5
	}
	return 2
}

func scheduleUsage(tmpl template, rule string) ([]usage, bool) {
	target := text(tmpl.at(rule, "Targets", 0, "Arn"))
	if tmpl.at(rule, "ScheduleExpression") != "rate(1 minute)" || target != "${Sweep.Arn}" {
		return nil, false
	}
	gb := tmpl.at("Sweep", "MemorySize").(float64) / 1024
	return []usage{
		{"EventBridge schedule event", minutes},
		{"Lambda request", minutes},
		{"Lambda arm64 GB-second", minutes * sweepSeconds * gb},
		{"DynamoDB read unit", minutes * sweepReads},
		{"DynamoDB write unit", minutes * sweepWrites},
	}, true
}

// idleTotal sums what all resources use up.
func idleTotal(t *testing.T, tmpl template) map[string]float64 {
	t.Helper()
	total := map[string]float64{}
	for id, r := range tmpl.Resources {
		lines, known := idleUsage(tmpl, id)
		if !known {
			t.Errorf("%s: what does an idle %s cost?", id, r.Type)
		}
		for _, line := range lines {
			total[line.unit] += line.units
		}
	}
	return total
}

// idleBill prices what a stack uses up, with the free tiers and without, and writes it out.
func idleBill(t *testing.T, tmpl template) (with, without float64) {
	t.Helper()
	total := idleTotal(t, tmpl)
	var bill strings.Builder
	w := tabwriter.NewWriter(&bill, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "unit\ta month\tfree\twith free tier\twithout\t  price is")
	for _, unit := range slices.Sorted(maps.Keys(total)) {
		p, known := prices()[unit]
		if !known {
			t.Fatalf("no price for %s", unit)
		}
		paid, all := max(0, total[unit]-p.free)*p.usd, total[unit]*p.usd
		with, without = with+paid, without+all
		fmt.Fprintf(w, "%s\t%.6g\t%.6g\t$%.4f\t$%.4f\t  %s\n",
			unit, total[unit], p.free, paid, all, p.source)
	}
	fmt.Fprintf(w, "total\t\t\t$%.4f\t$%.4f\t\n", with, without)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	t.Logf("the idle stack, us-east-1, November 2026:\n%s", &bill)
	return with, without
}

func TestIdleStackCostsLessThanADollarAMonth(t *testing.T) {
	with, without := idleBill(t, golden(t, "default"))
	if with >= 1 || without >= 1 {
		t.Errorf("an idle stack costs $%.2f a month, $%.2f without free tiers", with, without)
	}
}

// Webhooks are off by default because of what they cost an app that does not use them: the polls of
// three queues.
func TestIdleWebhooksCostADollarMore(t *testing.T) {
	webhooks := golden(t, "webhooks")
	idleBill(t, webhooks)

	want := idleTotal(t, golden(t, "default"))
	want["SQS FIFO request"] += 3 * 5 * pollsAMinute * minutes
	want["S3 GB-month"] += 2 * functionZipGB // webhook and publish
	if diff := cmp.Diff(want, idleTotal(t, webhooks), cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Error(diff)
	}
}

func TestIdleNamedRoutesCostOnlyTheStorageOfTheirCode(t *testing.T) {
	want := idleTotal(t, golden(t, "default"))
	want["S3 GB-month"] += 2 * functionZipGB // subscribe and auth: a tenth of a cent
	got := idleTotal(t, golden(t, "named"))
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Error(diff)
	}
}

func TestIdleBillCountsEveryPoller(t *testing.T) {
	feed := func(properties map[string]any) template {
		return template{Resources: map[string]resource{
			"M": {Type: "AWS::Lambda::EventSourceMapping", Properties: properties},
		}}
	}
	for _, test := range []struct {
		name       string
		properties map[string]any
		pollers    float64
	}{
		{"Lambda goes down to two pollers by itself", nil, 2},
		{
			"but not with a maximum concurrency",
			map[string]any{"ScalingConfig": map[string]any{"MaximumConcurrency": 16.0}},
			5,
		},
	} {
		lines, _ := idleUsage(feed(test.properties), "M")
		if want := test.pollers * pollsAMinute * minutes; lines[0].units != want {
			t.Errorf("%s: %v requests, want %v", test.name, lines[0].units, want)
		}
	}
}
