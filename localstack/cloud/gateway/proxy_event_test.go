package gateway_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"testing"

	"github.com/gobwas/ws"
	"github.com/google/go-cmp/cmp"

	"hark/localstack/cloud/gateway"
)

// contextFields are the fields of requestContext that all events have.
func contextFields() []string {
	return []string{
		"apiId", "connectedAt", "connectionId", "domainName", "eventType", "extendedRequestId",
		"identity", "messageDirection", "requestId", "requestTime", "requestTimeEpoch", "routeKey",
		"stage",
	}
}

// Functions decode events with aws-lambda-go. Its type must have a field for everything that is
// sent, and keep its value.
func TestEventsAreThoseOfAWS(t *testing.T) {
	t.Parallel()
	c := start(t, gateway.Options{}, nil)
	s, err := c.dial("/" + stage + "?app=key")
	if err != nil {
		t.Fatal(err)
	}
	connect := receive(t, c.raw)
	s.send(ws.OpText, []byte(`{"event":"<é>"}`))
	message := receive(t, c.raw)
	s.send(ws.OpClose, nil)
	disconnect := receive(t, c.raw)

	for _, tt := range []struct {
		name    string
		payload []byte
		top     []string // fields, as recorded
		context []string // further fields of requestContext
	}{
		{"CONNECT", connect, []string{
			"headers", "multiValueHeaders", "queryStringParameters",
			"multiValueQueryStringParameters", "requestContext", "isBase64Encoded",
		}, nil},
		{"MESSAGE", message, []string{
			"requestContext", "body", "isBase64Encoded",
		}, []string{"messageId"}},
		{
			"DISCONNECT", disconnect,
			[]string{"headers", "multiValueHeaders", "requestContext", "isBase64Encoded"},
			[]string{"disconnectStatusCode", "disconnectReason"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dec := json.NewDecoder(bytes.NewReader(tt.payload))
			dec.DisallowUnknownFields()
			var e request
			if err := dec.Decode(&e); err != nil {
				t.Fatalf("%s: %v", tt.payload, err)
			}
			again, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			sent, kept := object(t, tt.payload), object(t, again)
			if diff := cmp.Diff(sent, kept); diff != "" {
				t.Errorf("lost on the way (-sent +kept):\n%s", diff)
			}
			sameKeys(t, sent, tt.top)
			sameKeys(
				t, sent["requestContext"].(map[string]any), append(tt.context, contextFields()...),
			)
			if e.RequestContext.EventType != tt.name {
				t.Errorf("eventType %s", e.RequestContext.EventType)
			}
			checkContext(t, e)
		})
	}
}

func checkContext(t *testing.T, e request) {
	t.Helper()
	x := e.RequestContext
	for name, m := range map[string]struct{ value, pattern string }{
		"requestTime":  {x.RequestTime, `^\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000$`},
		"connectionId": {x.ConnectionID, `^[A-Za-z0-9_-]{15}=$`},
		"requestId":    {x.RequestID, `^[A-Za-z0-9_-]{15}=$`},
		"domainName":   {x.DomainName, `^abcdef1234\.execute-api\.us-east-1\.amazonaws\.com$`},
		"direction":    {x.MessageDirection, `^IN$`},
		"stage":        {x.Stage, `^v1$`},
	} {
		if !regexp.MustCompile(m.pattern).MatchString(m.value) {
			t.Errorf("%s is %q", name, m.value)
		}
	}
	if x.RequestTimeEpoch < x.ConnectedAt || x.ConnectedAt < 1e12 {
		t.Errorf(
			"requestTimeEpoch %d, connectedAt %d: not milliseconds, or in the wrong order",
			x.RequestTimeEpoch, x.ConnectedAt,
		)
	}
}

func object(t *testing.T, b []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func sameKeys(t *testing.T, m map[string]any, want []string) {
	t.Helper()
	wanted := make(map[string]bool, len(want))
	for _, k := range want {
		wanted[k] = true
		if _, ok := m[k]; !ok {
			t.Errorf("%s is missing", k)
		}
	}
	for k := range m {
		if !wanted[k] {
			t.Errorf("%s is not what AWS sends", k)
		}
	}
}
