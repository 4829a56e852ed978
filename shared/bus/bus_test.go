package bus_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/google/go-cmp/cmp"

	"hark/shared/bus"
)

// put puts an event on a bus that gives this answer, and returns the request.
func put(t *testing.T, status int, answer string) (sent map[string]any, err error) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("X-Amz-Target"); got != "AWSEvents.PutEvents" {
			t.Errorf("asked for %s", got)
		}
		text, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(text, &sent) != nil {
			t.Errorf("sent %s, error %v", text, err)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	b := &bus.Bus{Name: "Hark", Client: eventbridge.New(eventbridge.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
	})}
	detail := []byte(`{"app":"local","channel":"a&b"}`)
	err = b.Put(t.Context(), "channel_occupied", detail, time.Unix(1_700_000_000, 0))
	return sent, err
}

func TestPut(t *testing.T) {
	sent, err := put(t, 200, `{"FailedEntryCount":0,"Entries":[{"EventId":"e"}]}`)
	want := map[string]any{"Entries": []any{map[string]any{
		"EventBusName": "Hark", "Source": "hark", "DetailType": "channel_occupied",
		"Detail": `{"app":"local","channel":"a&b"}`, "Time": 1_700_000_000.0,
	}}}
	if diff := cmp.Diff(want, sent); err != nil || diff != "" {
		t.Errorf("error %v:\n%s", err, diff)
	}
}

func TestPutFails(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		answer string
		says   string
	}{
		{
			"if the event is refused", 200,
			`{"FailedEntryCount":1,"Entries":[` +
				`{"ErrorCode":"InternalFailure","ErrorMessage":"try again"}]}`,
			"InternalFailure: try again",
		},
		{
			"if the request is refused", 400,
			`{"__type":"ResourceNotFoundException","message":"no such bus"}`,
			"ResourceNotFoundException",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := put(t, c.status, c.answer)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want %q in it", err, c.says)
			}
		})
	}
}
