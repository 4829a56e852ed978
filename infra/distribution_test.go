package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hark/shared/config"
)

func TestDistributionServesTheWebSocketAPIOnly(t *testing.T) {
	tmpl := golden(t, "default")
	distribution := func(path ...any) any {
		return tmpl.at("Client", append([]any{"DistributionConfig"}, path...)...)
	}

	for path, want := range map[string]any{
		"ViewerProtocolPolicy": "https-only",
		// Managed policies: CachingDisabled and AllViewerExceptHostHeader.
		"CachePolicyId":         "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
		"OriginRequestPolicyId": "b689b0a8-53d0-40ab-baf2-68738e2966ac",
		"FunctionAssociations": []any{map[string]any{
			"EventType":   "viewer-request",
			"FunctionARN": getAtt("ViewerRequest", "FunctionARN"),
		}},
	} {
		if diff := cmp.Diff(want, distribution("DefaultCacheBehavior", path)); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	if distribution("CacheBehaviors") != nil || distribution("Origins", 1) != nil {
		t.Error("the distribution serves more than the WebSocket API")
	}
	const host = "${Socket}.execute-api.${AWS::Region}.${AWS::URLSuffix}"
	if got := text(distribution("Origins", 0, "DomainName")); got != host {
		t.Error(got)
	}
	stage := text(tmpl.at("Stage", "StageName"))
	if got := distribution("Origins", 0, "OriginPath"); got != "/"+stage {
		t.Error(got)
	}
	protocol := distribution("Origins", 0, "CustomOriginConfig", "OriginProtocolPolicy")
	if protocol != "https-only" {
		t.Error(protocol)
	}
	if got := tmpl.at("ViewerRequest", "FunctionConfig", "Runtime"); got != "cloudfront-js-2.0" {
		t.Error(got)
	}
}

func TestViewerRequestSetsTheNamesThatConnectReads(t *testing.T) {
	for _, name := range []string{
		config.OriginSecretHeader, config.ClientIPHeader, "{ " + config.KeyParameter + ":",
	} {
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

// originHeader is the path to the header that CloudFront adds.
var originHeader = []any{"DistributionConfig", "Origins", 0, "OriginCustomHeaders", 0}

func TestOriginAndConnectShareTheSecret(t *testing.T) {
	tmpl := golden(t, "default")
	header := tmpl.at("Client", originHeader...)
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
