package edge_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hark/localstack/cloud/edge"
)

// code is a function like the stack's: it rewrites /app/{key} to the stage root and moves the key
// to the query.
const code = `
function handler(event) {
    var request = event.request;
    var match = /^\/app\/([A-Za-z0-9_-]{1,64})$/.exec(request.uri);
    if (!match) {
        var headers = { 'content-type': { value: 'text/plain' } };
        return { statusCode: 404, headers: headers, body: 'no such path' };
    }
    var query = { app: { value: match[1] } };
    ['protocol', 'client'].forEach(function (name) {
        if (request.querystring[name]) {
            query[name] = request.querystring[name];
        }
    });
    console.log('app', match[1]);
    request.uri = '/';
    request.querystring = query;
    request.headers['x-hark-ip'] = { value: event.viewer.ip };
    return request;
}`

const distribution = `{"DistributionConfig": {
	"Enabled": true,
	"Comment": "test",
	"HttpVersion": "http2",
	"IPV6Enabled": true,
	"PriceClass": "PriceClass_All",
	"CustomErrorResponses": [{"ErrorCode": 404, "ErrorCachingMinTTL": 0}],
	"Origins": [
		{"Id": "socket", "DomainName": "api1.execute-api.us-east-1.amazonaws.com",
			"OriginPath": "/v1",
			"CustomOriginConfig": {"OriginProtocolPolicy": "https-only"},
			"OriginCustomHeaders": [{"HeaderName": "x-hark-origin", "HeaderValue": "secret"}]},
		{"Id": "publish", "DomainName": "publish.example.com", "CustomOriginConfig": {}}
	],
	"DefaultCacheBehavior": {
		"TargetOriginId": "socket",
		"CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
		"OriginRequestPolicyId": "b689b0a8-53d0-40ab-baf2-68738e2966ac",
		"ViewerProtocolPolicy": "https-only",
		"Compress": false,
		"FunctionAssociations": [
			{"EventType": "viewer-request", "FunctionARN": "arn:aws:cloudfront::1:function/f"}]
	},
	"CacheBehaviors": [{
		"PathPattern": "/apps/*/events",
		"TargetOriginId": "publish",
		"AllowedMethods": ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"],
		"CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
		"OriginRequestPolicyId": "b689b0a8-53d0-40ab-baf2-68738e2966ac",
		"ViewerProtocolPolicy": "https-only"
	}]
}}`

// received is a request that an origin received.
type received struct {
	domain string
	*http.Request
}

// viewer is a distribution for tests. Its origins keep the requests that they receive.
type viewer struct {
	*edge.Distribution
	got []received
}

func newViewer(t testing.TB, code string, edit ...func(*edge.Options)) *viewer {
	t.Helper()
	v := &viewer{}
	opts := edge.Options{
		Distribution: json.RawMessage(distribution),
		FunctionCode: code,
		Origin: func(domain string) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				v.got = append(v.got, received{domain, r})
				w.WriteHeader(http.StatusAccepted)
			})
		},
	}
	for _, e := range edit {
		e(&opts)
	}
	var err error
	if v.Distribution, err = edge.New(opts); err != nil {
		t.Fatal(err)
	}
	return v
}

// ask sends a request with header lines of the form "name: value".
func (v *viewer) ask(
	t testing.TB, method, target string, headers ...string,
) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, nil)
	r.RemoteAddr = "203.0.113.7:1234"
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	v.ServeHTTP(w, r)
	return w
}

// origin returns the one request that the origins received.
func (v *viewer) origin(t testing.TB) received {
	t.Helper()
	if len(v.got) != 1 {
		t.Fatalf("origins got %d requests, want 1", len(v.got))
	}
	return v.got[0]
}
