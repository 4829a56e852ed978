package edge_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"hark/localstack/cloud/edge"
	"hark/localstack/cloud/meter"
)

func TestFunctionRewritesTheRequest(t *testing.T) {
	t.Parallel()
	var m meter.Meter
	v := newViewer(t, code, func(o *edge.Options) { o.Meter = &m })
	w := v.ask(
		t, "GET",
		"http://viewer.example/app/my-key?protocol=7&app=evil&client=a%26b&client=c%20d",
		"X-Hark-Origin: forged", "X-Hark-IP: forged", "User-Agent: ua",
		"X-Forwarded-For: 198.51.100.1", "Cookie: a=1; b=2",
	)
	if w.Code != http.StatusAccepted {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	r := v.origin(t)
	const uri = "/v1/?app=my-key&protocol=7&client=a%26b&client=c%20d"
	if r.RequestURI != uri {
		t.Errorf("origin got %s, want %s", r.RequestURI, uri)
	}
	if r.URL.Path != "/v1/" || r.Host != "api1.execute-api.us-east-1.amazonaws.com" ||
		r.domain != r.Host {
		t.Errorf("origin %s got path %s, host %s", r.domain, r.URL.Path, r.Host)
	}
	for name, want := range map[string]string{
		"X-Hark-Origin":   "secret",
		"X-Hark-Ip":       "203.0.113.7",
		"User-Agent":      "ua",
		"X-Forwarded-For": "198.51.100.1, 203.0.113.7",
		"Cookie":          "a=1; b=2",
		"Via":             "1.1 elocal.cloudfront.net (CloudFront)",
		"X-Amz-Cf-Id":     w.Header().Get("X-Amz-Cf-Id"),
		"Connection":      "",
	} {
		if got := strings.Join(r.Header[http.CanonicalHeaderKey(name)], "|"); got != want {
			t.Errorf("header %s: %q, want %q", name, got, want)
		}
	}
	if got := m.Snapshot(); got[meter.EdgeRequests] != 1 || got[meter.EdgeFunctions] != 1 {
		t.Errorf("got %v", got)
	}
}

func TestAFunctionMayAnswerItself(t *testing.T) {
	t.Parallel()
	v := newViewer(t, code)
	w := v.ask(t, "GET", "http://viewer.example/other")
	if w.Code != http.StatusNotFound || w.Body.String() != "no such path" ||
		w.Header().Get("Content-Type") != "text/plain" {
		t.Errorf("got %d %q %v", w.Code, w.Body, w.Header())
	}
	if got := w.Header().Get("X-Cache"); got != "FunctionGeneratedResponse from cloudfront" {
		t.Errorf("x-cache: %s", got)
	}
	if len(v.got) > 0 {
		t.Error("the origin was asked all the same")
	}
}

// functionBodies are bodies of functions, and what the viewer gets or the origin is asked.
var functionBodies = []struct {
	name, body string
	status     int
	cache      string // of x-cache; empty if the origin answered
	want       string // in the response, or the request line at the origin
}{
	// The values of one name are together.
	{"the request as it came", `return event.request;`, 202, "", "/v1/a%20b?x=%20&x=2&y=1"},
	{
		"nothing of the query", `event.request.querystring = {}; return event.request;`, 202,
		"", "/v1/a%20b",
	},
	{
		"parameters in the order of insertion",
		`event.request.querystring = {b: {value: '1'}, a: {value: '2'}}; return event.request;`,
		202, "", "?b=1&a=2",
	},
	{
		"what no request line can hold",
		`event.request.querystring = {a: {value: 'é \r\n#'}}; return event.request;`, 202, "",
		"?a=%C3%A9%20%0D%0A%23",
	},
	{"a promise", `return (async function () { return event.request; })();`, 202, "", "&y=1"},
	{
		"a response in base64",
		`return {statusCode: 200, body: {encoding: 'base64', data: 'aGk='}};`, 200,
		"FunctionGeneratedResponse", "hi",
	},
	{
		"a response with cookies", `return {statusCode: 204, cookies: {a: {value: '1'}}};`, 204,
		"FunctionGeneratedResponse", "",
	},
	{
		"what it knows of the request",
		`var e = event, r = e.request;
		return {statusCode: 200, body: JSON.stringify([
			e.version, e.context.eventType, e.context.distributionDomainName, e.viewer.ip,
			r.method, r.uri, r.querystring.x, r.headers.host, r.headers.connection === undefined,
			r.headers.cookie === undefined, r.cookies.c.value])};`,
		200, "FunctionGeneratedResponse",
		`["1.0","viewer-request","elocal.cloudfront.net","203.0.113.7","GET","/a%20b",` +
			`{"value":"%20","multiValue":[{"value":"%20"},{"value":"2"}]},` +
			`{"value":"viewer.example"},true,true,"1"]`,
	},
	{
		"an exception", `throw new Error('boom');`, 503, "FunctionExecutionError",
		"could not be satisfied",
	},
	{
		"a promise that is rejected", `return Promise.reject(new Error('boom'));`, 503,
		"FunctionExecutionError", "",
	},
	{"a recursion without end", `return handler(event);`, 503, "FunctionExecutionError", ""},
	{"a loop without end", `for (;;) {}`, 503, "FunctionThrottledError", ""},
	{
		"a promise that nothing settles", `return new Promise(function () {});`, 502,
		"FunctionValidationError", "",
	},
	{"nothing", ``, 502, "FunctionValidationError", ""},
	{"a string", `return 'x';`, 502, "FunctionValidationError", ""},
	{
		"another method", `event.request.method = 'POST'; return event.request;`, 502,
		"FunctionValidationError", "",
	},
	{
		"a uri without slash", `event.request.uri = 'x'; return event.request;`, 502,
		"FunctionValidationError", "",
	},
	{
		"a uri with a query", `event.request.uri = '/x?y'; return event.request;`, 502,
		"FunctionValidationError", "",
	},
	{
		"a uri that nobody can read", `event.request.uri = '/%zz'; return event.request;`, 400,
		"Error", "",
	},
	{
		"another host", `event.request.headers.host = {value: 'x'}; return event.request;`, 502,
		"FunctionValidationError", "",
	},
	{
		"a header it may not set",
		`event.request.headers.upgrade = {value: 'x'}; return event.request;`, 502,
		"FunctionValidationError", "",
	},
	{
		"a header of CloudFront's",
		`event.request.headers['x-edge-y'] = {value: 'x'}; return event.request;`, 502,
		"FunctionValidationError", "",
	},
	{
		"a header in upper case",
		`event.request.headers.X = {value: 'x'}; return event.request;`, 502,
		"FunctionValidationError", "",
	},
	{
		"a header without value", `event.request.headers.x = {}; return event.request;`, 502,
		"FunctionValidationError", "",
	},
	{
		"a parameter without value",
		`event.request.querystring = {x: 1}; return event.request;`, 502,
		"FunctionValidationError", "",
	},
	{"a status that is none", `return {statusCode: 20};`, 502, "FunctionValidationError", ""},
	{
		"a status that is text", `return {statusCode: '200'};`, 502, "FunctionValidationError",
		"",
	},
	{
		"a body that is too long",
		`return {statusCode: 200, body: new Array(50000).join('x')};`, 502,
		"FunctionValidationError", "",
	},
	{
		"a getter that throws", `return {get statusCode() { throw new Error('x'); }};`, 503,
		"FunctionExecutionError", "",
	},
	{"eval", `return eval('event.request');`, 503, "FunctionExecutionError", ""},
	{"a timer", `setTimeout(function () {}, 1);`, 503, "FunctionExecutionError", ""},
}

func TestResultsOfFunctionsAreChecked(t *testing.T) {
	t.Parallel()
	for _, tt := range functionBodies {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := newViewer(t, "function handler(event) {\n"+tt.body+"\n}")
			w := v.ask(
				t, "GET", "http://viewer.example/a%20b?x=%20&y=1&x=2", "Connection: keep-alive",
				"Cookie: c=1",
			)
			if w.Code != tt.status {
				t.Fatalf("got %d %s, want %d", w.Code, w.Body, tt.status)
			}
			if tt.cache == "" {
				if got := v.origin(t).RequestURI; !strings.HasSuffix(got, tt.want) {
					t.Errorf("origin got %s, want %s", got, tt.want)
				}
				return
			}
			if got := w.Header().Get("X-Cache"); got != tt.cache+" from cloudfront" ||
				!strings.Contains(w.Body.String(), tt.want) {
				t.Errorf("got %s %s, want %s %s", got, w.Body, tt.cache, tt.want)
			}
		})
	}
}

func TestTheFirstMatchingBehaviorIsUsed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, method, path string
		status             int
		domain             string
	}{
		{"the default one", "GET", "/app/k", 202, "api1.execute-api.us-east-1.amazonaws.com"},
		{"by pattern, without a function", "POST", "/apps/1/events", 202, "publish.example.com"},
		{"a star takes slashes too", "POST", "/apps/1/2/events", 202, "publish.example.com"},
		{"a method that the behaviour does not take", "POST", "/app/k", 403, ""},
		{"nor that one", "DELETE", "/apps/1", 403, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := newViewer(t, code)
			w := v.ask(t, tt.method, "http://viewer.example"+tt.path)
			if w.Code != tt.status {
				t.Fatalf("got %d %s, want %d", w.Code, w.Body, tt.status)
			}
			if tt.domain != "" && v.origin(t).domain != tt.domain {
				t.Errorf("went to %s, want %s", v.got[0].domain, tt.domain)
			}
		})
	}
}

func TestViewerIPComesFromOptions(t *testing.T) {
	t.Parallel()
	v := newViewer(t, code, func(o *edge.Options) {
		o.ViewerIP = func(*http.Request) string { return "2001:db8::1" }
	})
	v.ask(t, "GET", "http://viewer.example/app/k")
	if got := v.origin(t).Header.Get("X-Hark-Ip"); got != "2001:db8::1" {
		t.Errorf("got %s", got)
	}
}

// in returns the test's distribution with one text replaced.
func in(old, replacement string) string {
	return strings.Replace(distribution, old, replacement, 1)
}

// head is the property in place of which tests put another one.
const head = `"Comment": "test",`

// refused are distributions and functions that New does not accept.
var refused = []struct{ name, distribution, code, want string }{
	{
		"a cache policy",
		in("4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "658327ea-f89d-4fab-a63d-7e88639e58f6"),
		code, "658327ea",
	},
	{
		"an origin request policy",
		in("b689b0a8-53d0-40ab-baf2-68738e2966ac", "216adef6-5c7f-47e4-b989-5492eafa07d3"),
		code, "216adef6",
	},
	{"an origin group", in(head, `"OriginGroups": {},`), code, "OriginGroups"},
	{
		"a root object", in(head, `"DefaultRootObject": "index.html",`), code,
		"DefaultRootObject",
	},
	{
		"an S3 origin", in(`"CustomOriginConfig": {}`, `"S3OriginConfig": {}`), code,
		"S3OriginConfig",
	},
	{
		"cached errors", in(`"ErrorCachingMinTTL": 0`, `"ErrorCachingMinTTL": 10`), code,
		"ErrorCachingMinTTL",
	},
	{
		"a viewer-response function", in("viewer-request", "viewer-response"), code,
		"viewer-response",
	},
	{
		"an origin that is none", in(`"TargetOriginId": "publish"`, `"TargetOriginId": "x"`),
		code, `"x"`,
	},
	{"a distribution that is off", in(`"Enabled": true`, `"Enabled": false`), code, "Enabled"},
	{"no function handler", distribution, "var x = 1;", "handler"},
	{"no code", distribution, "", "handler"},
	{"a syntax error", distribution, "function {", "parsed"},
	{"code that throws", distribution, "throw new Error('x');", "x"},
	{"too much code", distribution, "//" + strings.Repeat("x", 10<<10), "10240"},
	{
		"a KeyValueStore", distribution, "import cf from 'cloudfront';\n" + code,
		"import cf from 'cloudfront'",
	},
	{"a class", distribution, code + "class X {}", "class"},
	{"for of", distribution, code + "for (var x of []) {}", "for...of"},
	{"destructuring", distribution, code + "var {x} = {};", "destructuring"},
	{"spread", distribution, code + "var x = [...[]];", "spread"},
	{"optional chaining", distribution, code + "var x = {}; x?.y;", "?."},
	{"nullish coalescing", distribution, code + "var x = null ?? 1;", "??"},
	{"a generator", distribution, code + "function* g() {}", "generator"},
}

func TestNewRefusesByName(t *testing.T) {
	t.Parallel()
	for _, tt := range refused {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := edge.New(edge.Options{
				Distribution: json.RawMessage(tt.distribution),
				FunctionCode: tt.code,
				Origin:       func(string) http.Handler { return http.NotFoundHandler() },
			})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error about %s", err, tt.want)
			}
		})
	}
	t.Run("not what runtime 2.0 has", func(t *testing.T) {
		t.Parallel()
		newViewer(t, "const f = (a, ...rest) => `${a}${rest.length ** 2}`;\nlet g = async "+
			"function () { await f(1); };\n"+
			"async function handler(event) { var x = /a/; await g(); return event.request; }")
	})
}
