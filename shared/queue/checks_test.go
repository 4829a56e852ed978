package queue_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"hark/shared/queue"
	"hark/shared/state"
)

// checker is a function as a queue.Checker.
type checker func(k state.Check) error

func (c checker) Check(_ context.Context, k state.Check) error { return c(k) }

func TestChecksOfAChannelAreAGroup(t *testing.T) {
	q := newQueue(t)
	c := &queue.Checks{Client: q.Client, URL: q.URL}
	for range 2 { // two equal checks are two messages, because they may find different things
		must(t, c.Check(t.Context(), "shop", "presence-a", "u"))
	}
	must(t, c.Check(t.Context(), "shop", "presence-a", ""))
	must(t, c.Missed(t.Context(), "shop", "presence-a"))
	must(t, c.Check(t.Context(), "shop", "presence-b", ""))
	must(t, c.Check(t.Context(), "shop2", "presence-a", ""))
	groups := map[string][]string{}
	for _, m := range q.all(t) {
		group := m.Attributes["MessageGroupId"]
		groups[group] = append(groups[group], m.Body)
	}
	var all []string
	for _, bodies := range groups {
		all = append(all, strings.Join(bodies, " "))
	}
	slices.Sort(all)
	want := []string{
		`{"app":"shop","channel":"presence-a","user":"u"} ` +
			`{"app":"shop","channel":"presence-a","user":"u"} ` +
			`{"app":"shop","channel":"presence-a"} ` +
			`{"app":"shop","channel":"presence-a","miss":true}`,
		`{"app":"shop","channel":"presence-b"}`, `{"app":"shop2","channel":"presence-a"}`,
	}
	if !slices.Equal(all, want) {
		t.Errorf("queued %q, want %q", all, want)
	}
}

// A check that is received again says so. The checks behind one that fails are given back with it.
func TestConsumeChecks(t *testing.T) {
	var got []state.Check
	h := queue.ConsumeChecks(checker(func(k state.Check) error {
		got = append(got, k)
		if k.User == "fails" {
			return errors.New("broken")
		}
		return nil
	}), slog.New(slog.DiscardHandler))
	check := func(id, user, receives string) events.SQSMessage {
		return events.SQSMessage{
			MessageId: id, Body: `{"app":"shop","channel":"presence-a","user":"` + user + `"}`,
			Attributes: map[string]string{
				"MessageGroupId": "a", "ApproximateReceiveCount": receives,
			},
		}
	}
	out, err := h(t.Context(), events.SQSEvent{Records: []events.SQSMessage{
		check("m1", "first", "1"), check("m2", "again", "2"), check("m3", "unknown", "x"),
		check("m4", "fails", "3"), check("m5", "waits", "1"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	for _, k := range got {
		seen = append(seen, fmt.Sprintf("%s %t", k.User, k.Again))
	}
	if !slices.Equal(seen, []string{"first false", "again true", "unknown false", "fails true"}) {
		t.Errorf("checked %q", seen)
	}
	want := []events.SQSBatchItemFailure{{ItemIdentifier: "m4"}, {ItemIdentifier: "m5"}}
	if !slices.Equal(out.BatchItemFailures, want) {
		t.Errorf("%v are given back, want %v", out.BatchItemFailures, want)
	}
}
