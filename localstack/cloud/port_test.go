package cloud

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hark/localstack/cloud/iam"
)

// named is a service that answers with its name, the path of the request, and whether the caller is
// the administrator or has a role.
func named(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller := "admin"
		if iam.Check(r.Context(), "any:Thing", "*") != nil {
			caller = "role"
		}
		_, _ = io.WriteString(w, strings.Join([]string{name, r.URL.Path, caller}, " "))
	})
}

// newPort is a port whose only access key with a role is ASIAKNOWN.
func newPort() *port {
	known := &holder{role: &iam.Role{Name: "nothing"}}
	return &port{
		keys:     &keys{byID: map[string]*holder{"ASIAKNOWN": known}},
		dynamodb: named("dynamodb"), sqs: named("sqs"), events: named("events"),
		lambda: named("lambda"), connections: named("connections"),
		socket:      func(api string) http.Handler { return named("socket:" + api) },
		functionURL: func(id string) http.Handler { return named("url:" + id) },
		alternative: "Try elsewhere.", controlPath: "/_own", meter: named("meter"),
		faults: named("faults"), log: slog.New(slog.DiscardHandler),
	}
}

// authorization is the header of a request with the access key to the service.
func authorization(key, service string) string {
	return "AWS4-HMAC-SHA256 Credential=" + key + "/20261124/us-east-1/" + service +
		"/aws4_request, SignedHeaders=host, Signature=00"
}

func TestTheAWSPortFindsTheService(t *testing.T) {
	const getItem = "DynamoDB_20120810.GetItem"
	for _, tt := range []struct{ name, path, target, key, want string }{
		{"DynamoDB by its target", "/", getItem, "", "dynamodb / admin"},
		{"SQS by its target", "/0/q", "AmazonSQS.SendMessage", "", "sqs /0/q admin"},
		{"EventBridge by its target", "/", "AWSEvents.PutEvents", "", "events / admin"},
		{
			"Lambda by its path", "/2015-03-31/functions/f/invocations", "", "",
			"lambda /2015-03-31/functions/f/invocations admin",
		},
		{
			"@connections by its path", "/_aws/execute-api/a/v1/@connections/x=", "", "",
			"connections /_aws/execute-api/a/v1/@connections/x= admin",
		},
		{
			"a function URL, which sees only its own path",
			"/_aws/lambda-url/u1/apps/local/events", "", "", "url:u1 /apps/local/events admin",
		},
		{"the meter", "/_own/meter", "", "", "meter /_own/meter admin"},
		{"the faults", "/_own/faults", "", "", "faults /_own/faults admin"},
		{"the role of a known access key", "/", getItem, "ASIAKNOWN", "dynamodb / role"},
		{"the administrator for another access key", "/", getItem, "test", "dynamodb / admin"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, tt.path, nil)
			r.Header.Set("X-Amz-Target", tt.target)
			if tt.key != "" {
				r.Header.Set("Authorization", authorization(tt.key, "x"))
			}
			w := httptest.NewRecorder()
			newPort().ServeHTTP(w, r)
			if got := w.Body.String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTheAWSPortServesSockets(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/_aws/execute-api/a/v1?app=k", nil)
	r.Header.Set("Upgrade", "websocket")
	w := httptest.NewRecorder()
	newPort().ServeHTTP(w, r)
	if got := w.Body.String(); got != "socket:a /v1 admin" {
		t.Errorf("got %q", got)
	}
}

func TestPresignedRequestsHaveARoleToo(t *testing.T) {
	const credential = "ASIAKNOWN%2F20261124%2Fus-east-1%2Fx%2Faws4_request"
	r := httptest.NewRequest(http.MethodGet, "/_own/meter?X-Amz-Credential="+credential, nil)
	w := httptest.NewRecorder()
	newPort().ServeHTTP(w, r)
	if got := w.Body.String(); got != "meter /_own/meter role" {
		t.Errorf("got %q", got)
	}
}

// errorMessage reads the message of an error in XML or JSON.
func errorMessage(t *testing.T, body []byte, isXML bool) string {
	t.Helper()
	if isXML {
		var e xmlError
		if err := xml.Unmarshal(body, &e); err != nil {
			t.Fatal(err)
		}
		return e.Message
	}
	var e struct{ Message string }
	if err := json.Unmarshal(body, &e); err != nil {
		t.Fatal(err)
	}
	return e.Message
}

func TestWhatTheLocalCloudDoesNotHaveIsNamed(t *testing.T) {
	for _, tt := range []struct {
		name, method, path, service, target, form string
		xml                                       bool
		want                                      string
	}{
		{
			"a service with the JSON protocol", "POST", "/", "kinesis",
			"Kinesis_20131202.ListStreams", "", false, "Kinesis_20131202.ListStreams of kinesis",
		},
		{
			"a service with the Query protocol", "POST", "/", "sts",
			"", "Action=GetCallerIdentity&Version=2011-06-15", true, "GetCallerIdentity of sts",
		},
		{"S3", "GET", "/bucket", "s3", "", "", true, "GET /bucket of s3"},
		{
			"a path of the cloud itself that is not there", "GET", "/_own/other", "",
			"", "", false, "GET /_own/other of no service",
		},
		{
			"no service at all", "GET", "/favicon.ico", "",
			"", "", false, "GET /favicon.ico of no service",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, tt.path, strings.NewReader(tt.form))
			r.Header.Set("X-Amz-Target", tt.target)
			if tt.service != "" {
				r.Header.Set("Authorization", authorization("test", tt.service))
			}
			if tt.form != "" {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
			}
			w := httptest.NewRecorder()
			newPort().ServeHTTP(w, r)
			if w.Code != http.StatusNotImplemented {
				t.Errorf("status %d, want 501", w.Code)
			}
			message := errorMessage(t, w.Body.Bytes(), tt.xml)
			for _, want := range []string{tt.want, "Try elsewhere."} {
				if !strings.Contains(message, want) {
					t.Errorf("message %q does not hold %q", message, want)
				}
			}
		})
	}
}
