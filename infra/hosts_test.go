package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hark/shared/config"
)

func TestRoutesGoToTheirFunctions(t *testing.T) { inEachForm(t, testRoutes) }

func testRoutes(t *testing.T, f form, tmpl template) {
	if got := tmpl.at("Socket", "RouteSelectionExpression"); got != "$request.body.event" {
		t.Errorf("routes are selected by %v", got)
	}
	got := map[string]string{}
	for _, id := range tmpl.ofType("AWS::ApiGatewayV2::Route") {
		integration := strings.TrimSuffix(strings.TrimPrefix(text(tmpl.at(id, "Target")), "integrations/${"), "}")
		if kind := tmpl.at(integration, "IntegrationType"); kind != "AWS_PROXY" {
			t.Errorf("%s is a %v integration", integration, kind)
		}
		uri := text(tmpl.at(integration, "IntegrationUri"))
		key := text(tmpl.at(id, "RouteKey"))
		got[key] = uri[strings.LastIndex(uri, "${"):]
		function := strings.TrimPrefix(strings.TrimSuffix(got[key], ".Arn}/invocations"), "${")
		if !permits(tmpl, function, "lambda:InvokeFunction", map[string]any{
			"Principal": "apigateway.amazonaws.com",
			"SourceArn": join("arn:", ref("AWS::Partition"), ":execute-api:", ref("AWS::Region"), ":", ref("AWS::AccountId"),
				":", ref("Socket"), "/*"+key),
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

func join(parts ...any) map[string]any { return map[string]any{"Fn::Join": []any{"", parts}} }
func ref(id string) map[string]any     { return map[string]any{"Ref": id} }

func TestOnlyConnectIsThrottled(t *testing.T) {
	inEachForm(t, func(t *testing.T, _ form, tmpl template) {
		want := map[string]any{"$connect": map[string]any{"ThrottlingRateLimit": 200.0, "ThrottlingBurstLimit": 400.0}}
		if diff := cmp.Diff(want, tmpl.at("Stage", "RouteSettings")); diff != "" {
			t.Error(diff)
		}
		if got := tmpl.at("Stage", "DefaultRouteSettings"); got != nil {
			t.Errorf("every route is throttled: %v", got)
		}
	})
}

// A stage that is published before a route serves without it; its settings name one.
func TestStageWaitsForEveryRoute(t *testing.T) {
	inEachForm(t, func(t *testing.T, _ form, tmpl template) {
		for _, id := range tmpl.ofType("AWS::ApiGatewayV2::Route") {
			if !slices.Contains(tmpl.Resources["Stage"].DependsOn, id) {
				t.Errorf("the stage may be made before %s", tmpl.at(id, "RouteKey"))
			}
		}
	})
}

func TestPublishURLIsPublicInBothWaysThatAWSDemands(t *testing.T) {
	tmpl := golden(t, "default")
	if got := tmpl.at("PublishUrl", "AuthType"); got != "NONE" {
		t.Error(got)
	}
	if got := text(tmpl.at("PublishUrl", "TargetFunctionArn")); got != "${Api.Arn}" {
		t.Error(got)
	}
	if !permits(tmpl, "Api", "lambda:InvokeFunctionUrl", map[string]any{"Principal": "*", "FunctionUrlAuthType": "NONE"}) {
		t.Error("nobody may call the URL")
	}
	if !permits(tmpl, "Api", "lambda:InvokeFunction", map[string]any{"Principal": "*", "InvokedViaFunctionUrl": true}) {
		t.Error("nobody may invoke the function through the URL")
	}
}

func TestNobodyElseMayInvokeAFunction(t *testing.T) {
	inEachForm(t, func(t *testing.T, _ form, tmpl template) {
		// One for each route, the two permissions of the URL, the schedule.
		want := len(tmpl.ofType("AWS::ApiGatewayV2::Route")) + 3
		if got := tmpl.ofType("AWS::Lambda::Permission"); len(got) != want {
			t.Errorf("permissions: %v", got)
		}
	})
}

func TestEdge(t *testing.T) {
	tmpl := golden(t, "default")
	distribution := func(path ...any) any { return tmpl.at("Client", append([]any{"DistributionConfig"}, path...)...) }

	for path, want := range map[string]any{
		"ViewerProtocolPolicy": "https-only",
		// Managed policies: CachingDisabled and AllViewerExceptHostHeader.
		"CachePolicyId":         "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
		"OriginRequestPolicyId": "b689b0a8-53d0-40ab-baf2-68738e2966ac",
		"FunctionAssociations": []any{map[string]any{
			"EventType":   "viewer-request",
			"FunctionARN": map[string]any{"Fn::GetAtt": []any{"ViewerRequest", "FunctionARN"}},
		}},
	} {
		if diff := cmp.Diff(want, distribution("DefaultCacheBehavior", path)); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	if distribution("CacheBehaviors") != nil || distribution("Origins", 1) != nil {
		t.Error("the distribution serves more than the sockets")
	}
	if got := text(distribution("Origins", 0, "DomainName")); got != "${Socket}.execute-api.${AWS::Region}.${AWS::URLSuffix}" {
		t.Error(got)
	}
	if got := distribution("Origins", 0, "OriginPath"); got != "/"+text(tmpl.at("Stage", "StageName")) {
		t.Error(got)
	}
	if got := distribution("Origins", 0, "CustomOriginConfig", "OriginProtocolPolicy"); got != "https-only" {
		t.Error(got)
	}
	if got := tmpl.at("ViewerRequest", "FunctionConfig", "Runtime"); got != "cloudfront-js-2.0" {
		t.Error(got)
	}
}

func TestEdgeSpeaksTheNamesThatConnectReads(t *testing.T) {
	for _, name := range []string{config.OriginSecretHeader, config.ClientIPHeader, "{ " + config.KeyParameter + ":"} {
		if !strings.Contains(viewerRequest, name) {
			t.Errorf("edge/viewer_request.js does not know %q", name)
		}
	}
}

func TestNoErrorIsCached(t *testing.T) {
	tmpl := golden(t, "default")
	got := map[float64]any{}
	for _, r := range list(tmpl.at("Client", "DistributionConfig", "CustomErrorResponses")) {
		response := r.(map[string]any)
		got[response["ErrorCode"].(float64)] = response["ErrorCachingMinTTL"]
	}
	for _, status := range []float64{400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504} {
		if got[status] != 0.0 {
			t.Errorf("%v is cached for %v", status, got[status])
		}
	}
}

func TestOriginAndConnectShareTheSecret(t *testing.T) {
	tmpl := golden(t, "default")
	header := tmpl.at("Client", "DistributionConfig", "Origins", 0, "OriginCustomHeaders", 0)
	want := map[string]any{
		"HeaderName":  config.OriginSecretHeader,
		"HeaderValue": tmpl.at("Connect", "Environment", "Variables", config.OriginSecret),
	}
	if diff := cmp.Diff(want, header); diff != "" {
		t.Error(diff)
	}
	if secret := text(want["HeaderValue"]); !strings.Contains(secret, "AWS::StackId") {
		t.Errorf("the secret is made from %s", secret)
	}
}

func TestOutputs(t *testing.T) {
	tmpl := golden(t, "default")
	names := slices.Sorted(maps.Keys(tmpl.Outputs))
	if want := []string{"AppsTable", "ClientHost", "Env", "PublishHost", "StateTable"}; !slices.Equal(names, want) {
		t.Errorf("outputs: %v", names)
	}
	publish := text(tmpl.Outputs["PublishHost"].Value)
	want := `BROADCAST_CONNECTION=reverb
REVERB_APP_ID= # see scripts/app
REVERB_APP_KEY= # see scripts/app
REVERB_APP_SECRET= # see scripts/app
REVERB_HOST=` + publish + `
REVERB_PORT=443
REVERB_SCHEME=https
VITE_REVERB_APP_KEY="${REVERB_APP_KEY}"
VITE_REVERB_HOST=${Client.DomainName}
VITE_REVERB_PORT=443
VITE_REVERB_SCHEME=https`
	if diff := cmp.Diff(want, text(tmpl.Outputs["Env"].Value)); diff != "" {
		t.Error(diff)
	}
	for name, output := range tmpl.Outputs {
		if strings.Contains(text(output.Value), "StackId") {
			t.Errorf("%s tells the origin secret", name)
		}
	}
}
