package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRoutesGoToTheirFunctions(t *testing.T) { inEachForm(t, testRoutes) }

func testRoutes(t *testing.T, f form, tmpl template) {
	if got := tmpl.at("Socket", "RouteSelectionExpression"); got != "$request.body.event" {
		t.Errorf("routes are selected by %v", got)
	}
	got := map[string]string{}
	for _, id := range tmpl.ofType("AWS::ApiGatewayV2::Route") {
		target := text(tmpl.at(id, "Target"))
		integration := strings.TrimSuffix(strings.TrimPrefix(target, "integrations/${"), "}")
		if kind := tmpl.at(integration, "IntegrationType"); kind != "AWS_PROXY" {
			t.Errorf("%s is a %v integration", integration, kind)
		}
		uri := text(tmpl.at(integration, "IntegrationUri"))
		key := text(tmpl.at(id, "RouteKey"))
		got[key] = uri[strings.LastIndex(uri, "${"):]
		function := strings.TrimPrefix(strings.TrimSuffix(got[key], ".Arn}/invocations"), "${")
		if !permits(tmpl, function, "lambda:InvokeFunction", map[string]any{
			"Principal": "apigateway.amazonaws.com",
			"SourceArn": join("arn:", ref("AWS::Partition"), ":execute-api:", ref("AWS::Region"),
				":", ref("AWS::AccountId"), ":", ref("Socket"), "/*"+key),
		}) {
			t.Errorf("API Gateway may not invoke %s for %s", function, key)
		}
	}
	want := map[string]string{
		"$connect":    "${Connect.Arn}/invocations",
		"$disconnect": "${Disconnect.Arn}/invocations",
		"$default":    "${Message.Arn}/invocations",
	}
	if f.name == "named" {
		want["pusher:subscribe"] = "${Subscribe.Arn}/invocations"
		want["pusher:unsubscribe"] = "${Subscribe.Arn}/invocations"
		want["pusher:signin"] = "${Auth.Arn}/invocations"
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOnlyConnectIsThrottled(t *testing.T) {
	inEachForm(t, func(t *testing.T, _ form, tmpl template) {
		want := map[string]any{"$connect": map[string]any{
			"ThrottlingRateLimit": 200.0, "ThrottlingBurstLimit": 400.0,
		}}
		if diff := cmp.Diff(want, tmpl.at("Stage", "RouteSettings")); diff != "" {
			t.Error(diff)
		}
		if got := tmpl.at("Stage", "DefaultRouteSettings"); got != nil {
			t.Errorf("every route is throttled: %v", got)
		}
	})
}

// A stage that is deployed before a route serves without it, and its settings name a route.
func TestStageWaitsForEveryRoute(t *testing.T) {
	inEachForm(t, func(t *testing.T, _ form, tmpl template) {
		for _, id := range tmpl.ofType("AWS::ApiGatewayV2::Route") {
			if !slices.Contains(tmpl.Resources["Stage"].DependsOn, id) {
				t.Errorf("the stage may be made before %s", tmpl.at(id, "RouteKey"))
			}
		}
	})
}
