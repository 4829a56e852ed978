package lambda_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"hark/localstack/cloud/lambda"
	"hark/localstack/cloud/meter"
)

var update = flag.Bool("update", false, "rewrite golden files")

const golden = "testdata/url-event.json"

func newURL(t *testing.T, function string, change ...func(*lambda.FunctionSpec)) (
	*cloud, http.Handler,
) {
	t.Helper()
	c := newCloud(t)
	c.create(function, change...)
	if err := c.CreateURL(lambda.URLSpec{
		ID: "abc123", TargetFunctionArn: function, AuthType: "NONE",
	}); err != nil {
		t.Fatal(err)
	}
	return c, c.URL("abc123")
}

func do(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestTheEventOfAFunctionURL(t *testing.T) {
	c, h := newURL(t, "url")
	r := httptest.NewRequest(
		http.MethodPost, "/apps/local%20app/events?auth_key=k&tag=a&tag=b%2Cc",
		strings.NewReader(`{"name":"<e>"}`),
	)
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("User-Agent", "agent/1.0")
	r.Header.Add("X-Twice", "one")
	r.Header.Add("X-Twice", "two")
	r.Header.Set("Cookie", "first=1; second=2")
	r.Header.Set("X-Forwarded-For", "203.0.113.7")
	w := do(h, r)
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	by := meter.By{Function: "url", Operation: meter.FunctionURL}
	for unit, want := range map[meter.Unit]float64{
		meter.URLRequests: 1, meter.FunctionRequests: 1, meter.FunctionMemory: 128,
		meter.URLBytes: float64(w.Body.Len()),
	} {
		if got := c.counted(unit, by); got != want {
			t.Errorf("counted %v of %s, want %v", got, unit, want)
		}
	}
	got := w.Body.Bytes()
	for _, random := range []string{
		`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`, `Root=[-0-9a-f]+;Parent=[0-9a-f]+;Sampled=0`,
	} {
		got = regexp.MustCompile(random).ReplaceAll(got, []byte("random"))
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, got, "", "  "); err != nil {
		t.Fatal(err)
	}
	indented.WriteByte('\n')
	if *update {
		if err := os.WriteFile(golden, indented.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(indented.Bytes(), want) {
		t.Errorf("got %s\nwant %s", indented.Bytes(), want)
	}
}

func TestTheEventIsTheOneOfAWSLambdaGo(t *testing.T) {
	b, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	var typed events.LambdaFunctionURLRequest
	if err := json.Unmarshal(b, &typed); err != nil {
		t.Fatal(err)
	}
	var ours, theirs map[string]any
	if err := json.Unmarshal(b, &ours); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(mustJSON(t, typed)), &theirs); err != nil {
		t.Fatal(err)
	}
	// The type leaves these out; they are always the same.
	constant := map[string]any{"routeKey": "$default"}
	maps.Copy(theirs, constant)
	maps.Copy(theirs["requestContext"].(map[string]any), constant)
	theirs["requestContext"].(map[string]any)["stage"] = "$default"
	if !reflect.DeepEqual(ours, theirs) {
		t.Errorf("ours   %v\ntheirs %v", ours, theirs)
	}
}

func TestABodyThatIsNotTextIsEncoded(t *testing.T) {
	_, h := newURL(t, "url")
	for _, tc := range []struct {
		name, contentType, body, want string
		encoded                       bool
	}{
		{"JSON is text", "application/json", "{}", "{}", false},
		{"plain text is text", "text/plain; charset=utf-8", "hi", "hi", false},
		{"a form is not", "application/x-www-form-urlencoded", "a=b", "YT1i", true},
		{"bytes are not", "application/octet-stream", "\x00", "AA==", true},
		{"a type that was not said is not", "", "hi", "aGk=", true},
		{"text with broken characters is not", "text/plain", "\xff", "/w==", true},
		{"no body is not encoded", "application/octet-stream", "", "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(tc.body))
			r.Header.Set("Content-Type", tc.contentType)
			var got events.LambdaFunctionURLRequest
			if err := json.Unmarshal(do(h, r).Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if got.Body != tc.want || got.IsBase64Encoded != tc.encoded {
				t.Errorf("got %q, %v", got.Body, got.IsBase64Encoded)
			}
		})
	}
}

// responses are responses of functions, and those of their URL.
var responses = []struct {
	name, response string
	status         int
	header         map[string]string
	body           string
}{
	{
		"with a status",
		`{"statusCode":201,"body":"made","headers":{"content-type":"text/plain","x-a":"b"}}`,
		201,
		map[string]string{"Content-Type": "text/plain", "X-A": "b"},
		"made",
	},
	{
		"encoded", `{"statusCode":200,"body":"AAE=","isBase64Encoded":true}`, 200,
		map[string]string{"Content-Type": "application/json"},
		"\x00\x01",
	},
	{
		"with cookies", `{"statusCode":204,"cookies":["a=1","b=2"]}`, 204,
		map[string]string{"Set-Cookie": "a=1,b=2"},
		"",
	},
	{
		"without a status", `{"body":"kept"}`, 200,
		map[string]string{"Content-Type": "application/json"},
		`{"body":"kept"}`,
	},
	{
		"that is a string", `"hello"`, 200,
		map[string]string{"Content-Type": "application/json"},
		`"hello"`,
	},
	{
		"whose length is a lie",
		`{"statusCode":200,"body":"x","headers":{"Content-Length":"7"}}`, 200, nil, "x",
	},
	{
		"with a status that is none", `{"statusCode":99}`, 502, nil,
		`{"Message":"Internal Server Error"}`,
	},
	{
		"with a body that is no string", `{"statusCode":200,"body":{}}`, 502, nil,
		`{"Message":"Internal Server Error"}`,
	},
	{
		"badly encoded", `{"statusCode":200,"body":"?","isBase64Encoded":true}`, 502, nil,
		`{"Message":"Internal Server Error"}`,
	},
}

func TestTheResponseOfAFunctionURL(t *testing.T) {
	_, h := newURL(t, "url")
	for _, tc := range responses {
		t.Run(tc.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/respond", strings.NewReader(tc.response))
			r.Header.Set("Content-Type", "application/json")
			w := do(h, r)
			if w.Code != tc.status || w.Body.String() != tc.body {
				t.Errorf("got %d %q", w.Code, w.Body)
			}
			for name, want := range tc.header {
				if got := strings.Join(w.Header()[name], ","); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
		})
	}
}

func TestAFunctionURLRefuses(t *testing.T) {
	none := 0
	for _, tc := range []struct {
		name     string
		request  *http.Request
		reserved *int
		status   int
		body     string
	}{
		{
			"when the function fails", httptest.NewRequest(http.MethodGet, "/fail", nil), nil, 502,
			`{"Message":"Internal Server Error"}`,
		},
		{
			"more than 6 MB", httptest.NewRequest(
				http.MethodPost, "/", bytes.NewReader(make([]byte, 6<<20+1)),
			), nil, 413,
			`{"Message":"Request Entity Too Large"}`,
		},
		{
			"when it is throttled", httptest.NewRequest(http.MethodGet, "/", nil), &none, 429,
			`{"Message":"Rate Exceeded."}`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, h := newURL(t, "url", func(f *lambda.FunctionSpec) {
				f.ReservedConcurrentExecutions = tc.reserved
			})
			if w := do(h, tc.request); w.Code != tc.status || w.Body.String() != tc.body {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
		})
	}
}

func TestAStreamedResponseIsPutTogether(t *testing.T) {
	_, h := newURL(t, "stream")
	w := do(h, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusTeapot || w.Body.String() != "streamed" ||
		w.Header().Get("Content-Type") != "text/plain" {
		t.Errorf("got %d %v %q", w.Code, w.Header(), w.Body)
	}
}

func TestCreateURLRefuses(t *testing.T) {
	c := newCloud(t)
	c.create("url")
	for _, tc := range []struct {
		name string
		spec lambda.URLSpec
		want string
	}{
		{
			"IAM",
			lambda.URLSpec{TargetFunctionArn: "url", AuthType: "AWS_IAM"},
			"AuthType AWS_IAM is not supported",
		},
		{
			"streaming",
			lambda.URLSpec{
				TargetFunctionArn: "url", AuthType: "NONE", InvokeMode: "RESPONSE_STREAM",
			},
			"InvokeMode RESPONSE_STREAM",
		},
		{
			"CORS",
			lambda.URLSpec{TargetFunctionArn: "url", AuthType: "NONE", Cors: json.RawMessage("{}")},
			"Cors is not supported",
		},
		{
			"no function",
			lambda.URLSpec{TargetFunctionArn: "nobody", AuthType: "NONE"},
			"Function not found",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := c.CreateURL(tc.spec); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
	if w := do(
		c.URL("unknown"), httptest.NewRequest(http.MethodGet, "/", nil),
	); w.Code != http.StatusNotFound {
		t.Errorf("an unknown URL answers %d", w.Code)
	}
}
