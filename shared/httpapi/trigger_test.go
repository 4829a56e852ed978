package httpapi_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hark/shared/httpapi"
	"hark/shared/pusher"
	"hark/shared/settings"
)

func TestTriggerPublishesAsARequestDoes(t *testing.T) {
	const body = `{"app_id":"3","name":"e","data":"<b>","socket_id":"1.2",` +
		`"channels":["orders","cache-a","orders"],"info":"subscription_count"}`
	s := newServer(t)
	s.api.State = nil // info is ignored
	if err := s.api.Trigger(t.Context(), "3", []byte(body)); err != nil {
		t.Fatal(err)
	}
	triggered := s.got
	s.got, s.api.State = nil, s.store
	if a := s.do(t, request{path: "/apps/3/events", body: body}); a.status != 200 {
		t.Fatal(a)
	}
	if diff := cmp.Diff(s.got, triggered); diff != "" || len(triggered) != 2 {
		t.Errorf("published otherwise than by a request: %s", diff)
	}
}

func TestTriggerRefusesWhatARequestIsRefused(t *testing.T) {
	s := newServer(t)
	for _, tt := range []struct{ name, app, body, want string }{
		{"no such app", "4", `{}`, "No matching application for ID [4] (404)"},
		{"a disabled app", "off", `{}`, "Application off is disabled (403)"},
		{"no JSON", "3", `{`, "The body is not a JSON object (400)"},
		{"no name", "3", `{"data":"","channel":"a"}`, "The name field is required (400)"},
		{"a channel that is none", "3", `{"name":"e","data":"","channel":"a b"}`, "(400)"},
		{
			"too many channels", "3", `{"name":"e","data":"","channels":` + channels(101) + `}`,
			"there are 101 (400)",
		},
		{
			"too much data", "3",
			`{"name":"e","channel":"a","data":"` + strings.Repeat("x", 10241) + `"}`,
			"10241 bytes for channel a (413)",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := s.api.Trigger(t.Context(), tt.app, []byte(tt.body))
			var refusal *pusher.HTTPError
			if !errors.As(err, &refusal) || !strings.HasSuffix(err.Error(), tt.want) {
				t.Errorf("%v", err)
			}
		})
	}
	if len(s.got) != 0 {
		t.Errorf("published %v", s.got)
	}
}

func TestRepeatsOfATriggerHaveEqualRepeatKeys(t *testing.T) {
	const body = `{"name":"e","data":"","channels":["a","b"],"idempotency_key":"order-7"}`
	s := newServer(t)
	s.api.State = nil // the queue keeps repeat keys as long as a row would be kept
	for range 2 {
		if err := s.api.Trigger(t.Context(), "3", []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.got) != 4 || s.got[0].RepeatKey == "" || s.got[0].RepeatKey == s.got[1].RepeatKey {
		t.Fatalf("published %+v", s.got)
	}
	if diff := cmp.Diff(s.got[:2], s.got[2:]); diff != "" {
		t.Errorf("published otherwise the second time: %s", diff)
	}
}

func TestTriggerFailsAsThePublisherAndTheTableDo(t *testing.T) {
	down := errors.New("the queue is down")
	api := &httpapi.API{
		Apps: apps{"3": {ID: "3", Settings: settings.Default()}}, Publisher: &publisher{err: down},
	}
	body := []byte(`{"name":"e","data":"","channel":"a"}`)
	if err := api.Trigger(t.Context(), "3", body); !errors.Is(err, down) {
		t.Error(err)
	}
	var refusal *pusher.HTTPError
	if err := api.Trigger(t.Context(), "broken", nil); err == nil || errors.As(err, &refusal) {
		t.Error(err)
	}
}
