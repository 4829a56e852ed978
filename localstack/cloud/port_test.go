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

// named is a service that answers with its name, the path it was asked for and whether its caller
// may do everything.
func named(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := "admin"
		if iam.Check(r.Context(), "any:Thing", "*") != nil {
			who = "role"
		}
		_, _ = io.WriteString(w, strings.Join([]string{name, r.URL.Path, who}, " "))
	})
}

func newPort() *port {
	known := &keys{byID: map[string]*holder{"ASIAKNOWN": {role: &iam.Role{Name: "nothing"}}}}
	return &port{
		keys:     known,
		dynamodb: named("dynamodb"), sqs: named("sqs"), events: named("events"), lambda: named("lambda"), connections: named("connections"),
		socket:      func(api string) http.Handler { return named("socket:" + api) },
		functionURL: func(id string) http.Handler { return named("url:" + id) },
		alternative: "Try elsewhere.", controlPath: "/_own", meter: named("meter"), faults: named("faults"), log: slog.New(slog.DiscardHandler),
	}
}

func TestTheAWSPortFindsTheService(t *testing.T) {
	const signed = "AWS4-HMAC-SHA256 Credential=%/20261124/us-east-1/x/aws4_request, SignedHeaders=host, Signature=00"
	for _, tt := range []struct{ name, path, target, key, want string }{
		{"DynamoDB by its target", "/", "DynamoDB_20120810.GetItem", "", "dynamodb / admin"},
		{"SQS by its target", "/000000000000/q", "AmazonSQS.SendMessage", "", "sqs /000000000000/q admin"},
		{"EventBridge by its target", "/", "AWSEvents.PutEvents", "", "events / admin"},
		{"Lambda by its path", "/2015-03-31/functions/f/invocations", "", "", "lambda /2015-03-31/functions/f/invocations admin"},
		{"@connections by its path", "/_aws/execute-api/a/v1/@connections/x=", "", "", "connections /_aws/execute-api/a/v1/@connections/x= admin"},
		{"a function URL, which sees only its own path", "/_aws/lambda-url/u1/apps/local/events", "", "", "url:u1 /apps/local/events admin"},
		{"the meter", "/_own/meter", "", "", "meter /_own/meter admin"},
		{"the faults", "/_own/faults", "", "", "faults /_own/faults admin"},
		{"the role of a known access key", "/", "DynamoDB_20120810.GetItem", "ASIAKNOWN", "dynamodb / role"},
		{"the administrator for another access key", "/", "DynamoDB_20120810.GetItem", "test", "dynamodb / admin"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, tt.path, nil)
			r.Header.Set("X-Amz-Target", tt.target)
			if tt.key != "" {
				r.Header.Set("Authorization", strings.Replace(signed, "%", tt.key, 1))
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
	r := httptest.NewRequest(http.MethodGet, "/_own/meter?X-Amz-Credential=ASIAKNOWN%2F20261124%2Fus-east-1%2Fx%2Faws4_request", nil)
	w := httptest.NewRecorder()
	newPort().ServeHTTP(w, r)
	if got := w.Body.String(); got != "meter /_own/meter role" {
		t.Errorf("got %q", got)
	}
}

func TestWhatTheLocalCloudDoesNotHaveIsNamed(t *testing.T) {
	credential := func(service string) string {
		return "AWS4-HMAC-SHA256 Credential=test/20261124/us-east-1/" + service + "/aws4_request, SignedHeaders=host, Signature=00"
	}
	for _, tt := range []struct {
		name, method, path, service, target, form string
		xml                                       bool
		want                                      string
	}{
		{"a service with the JSON protocol", "POST", "/", "kinesis", "Kinesis_20131202.ListStreams", "", false, "Kinesis_20131202.ListStreams of kinesis"},
		{"a service with the Query protocol", "POST", "/", "sts", "", "Action=GetCallerIdentity&Version=2011-06-15", true, "GetCallerIdentity of sts"},
		{"S3", "GET", "/bucket", "s3", "", "", true, "GET /bucket of s3"},
		{"a path of the cloud itself that is not there", "GET", "/_own/other", "", "", "", false, "GET /_own/other of no service"},
		{"no service at all", "GET", "/favicon.ico", "", "", "", false, "GET /favicon.ico of no service"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, tt.path, strings.NewReader(tt.form))
			r.Header.Set("X-Amz-Target", tt.target)
			if tt.service != "" {
				r.Header.Set("Authorization", credential(tt.service))
			}
			if tt.form != "" {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
			}
			w := httptest.NewRecorder()
			newPort().ServeHTTP(w, r)
			if w.Code != http.StatusNotImplemented {
				t.Errorf("status %d, want 501", w.Code)
			}
			var message string
			if tt.xml {
				var e xmlError
				if err := xml.Unmarshal(w.Body.Bytes(), &e); err != nil {
					t.Fatal(err)
				}
				message = e.Message
			} else {
				var e struct{ Message string }
				if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
					t.Fatal(err)
				}
				message = e.Message
			}
			for _, want := range []string{tt.want, "Try elsewhere."} {
				if !strings.Contains(message, want) {
					t.Errorf("message %q does not hold %q", message, want)
				}
			}
		})
	}
}
