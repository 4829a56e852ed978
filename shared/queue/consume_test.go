package queue_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"hark/shared/pusher"
	"hark/shared/queue"
	"hark/shared/state"
)

// consumer is a function as a queue.Consumer.
type consumer func(ctx context.Context, b []state.Broadcast) (int, error)

func (c consumer) Consume(ctx context.Context, b []state.Broadcast) (int, error) {
	return c(ctx, b)
}

// all is a consumer that handles every broadcast.
func all(_ context.Context, b []state.Broadcast) (int, error) { return len(b), nil }

func channelOf(b state.Broadcast) pusher.Channel {
	_, ch := b.Target()
	return ch
}

// message returns a message of the broadcasts queue.
func message(id, group string, b state.Event) events.SQSMessage {
	body, err := json.Marshal(b)
	if err != nil {
		panic(err)
	}
	return received(id, group, string(body))
}

func received(id, group, body string) events.SQSMessage {
	return events.SQSMessage{
		MessageId: id, Body: body, Attributes: map[string]string{"MessageGroupId": group},
	}
}

// failed runs the handler and returns the IDs of the messages that it gives back, sorted.
func failed(t *testing.T, c consumer, log *slog.Logger, messages ...events.SQSMessage) []string {
	t.Helper()
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	out, err := queue.ConsumeBroadcasts(c, log)(t.Context(), events.SQSEvent{Records: messages})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, f := range out.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	slices.Sort(ids)
	return ids
}

func TestConsumeReadsTheRecordedEvent(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "events", "broadcast.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got []state.Broadcast
	keep := func(_ context.Context, b []state.Broadcast) (int, error) {
		got = b
		return len(b), nil
	}
	h := queue.ConsumeBroadcasts(consumer(keep), slog.New(slog.DiscardHandler))
	out, err := lambda.NewHandler(h).Invoke(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	frame := `{"event":"headline","channel":"news","data":"{\"title\":\"Rain\"}"}`
	want := []state.Broadcast{state.Event{App: "local", Channel: "news", Frame: []byte(frame)}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if string(out) != `{"batchItemFailures":[]}` {
		t.Errorf("got %s", out)
	}
}

func TestConsumeAnswersInLambdasForm(t *testing.T) {
	h := queue.ConsumeBroadcasts(consumer(func(context.Context, []state.Broadcast) (int, error) {
		return 0, errors.New("broken")
	}), slog.New(slog.DiscardHandler))
	e := events.SQSEvent{Records: []events.SQSMessage{message("m1", "a", state.Event{})}}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	out, err := lambda.NewHandler(h).Invoke(t.Context(), text)
	if err != nil || string(out) != `{"batchItemFailures":[{"itemIdentifier":"m1"}]}` {
		t.Errorf("got %s, %v", out, err)
	}
}

func TestConsumeHandlesEachGroupInOrder(t *testing.T) {
	var mu sync.Mutex
	got := map[pusher.Channel][]string{}
	calls := 0
	d := func(_ context.Context, b []state.Broadcast) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		calls++
		for _, m := range b {
			if e, ok := m.(state.Event); ok {
				got[e.Channel] = append(got[e.Channel], string(e.Frame))
			}
		}
		return len(b), nil
	}
	var messages []events.SQSMessage
	for i := range 9 {
		ch := pusher.Channel(fmt.Sprint("c", i%3))
		e := state.Event{Channel: ch, Frame: []byte(fmt.Sprint(i))}
		messages = append(messages, message(fmt.Sprint("m", i), string(ch), e))
	}
	if back := failed(t, d, nil, messages...); back != nil || calls != 3 {
		t.Errorf("%q are given back, %d calls", back, calls)
	}
	for ch, want := range map[pusher.Channel]string{"c0": "0 3 6", "c1": "1 4 7", "c2": "2 5 8"} {
		if s := strings.Join(got[ch], " "); s != want {
			t.Errorf("%s got %s, want %s", ch, s, want)
		}
	}
}

// One channel must not hold up the others, as it would if the whole batch stopped at the first
// failure.
func TestConsumeGivesBackTheRestOfAFailingGroupOnly(t *testing.T) {
	broken := errors.New("broken")
	batch := func() []events.SQSMessage {
		var messages []events.SQSMessage
		for i, group := range []string{"a", "b", "a", "b", "a"} {
			e := state.Event{Channel: pusher.Channel(group)}
			messages = append(messages, message(fmt.Sprint("m", i), group, e))
		}
		return messages
	}
	failing := func(done int) consumer {
		return func(ctx context.Context, b []state.Broadcast) (int, error) {
			if channelOf(b[0]) == "a" {
				return done, broken
			}
			return all(ctx, b)
		}
	}
	for _, c := range []struct {
		name string
		d    consumer
		want []string
	}{
		{"nothing of it done", failing(0), []string{"m0", "m2", "m4"}},
		{"one of it done", failing(1), []string{"m2", "m4"}},
		{"all of it done, and an error", failing(3), nil},
		{"a panic", func(ctx context.Context, b []state.Broadcast) (int, error) {
			if channelOf(b[0]) == "a" {
				panic("broken")
			}
			return all(ctx, b)
		}, []string{"m0", "m2", "m4"}},
		{"both groups", func(context.Context, []state.Broadcast) (int, error) {
			return 1, broken
		}, []string{"m2", "m3", "m4"}},
		{"none", all, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := failed(t, c.d, nil, batch()...); !slices.Equal(got, c.want) {
				t.Errorf("%q are given back, want %q", got, c.want)
			}
		})
	}
}

func TestConsumeDropsMessagesThatCannotBeRead(t *testing.T) {
	for name, body := range map[string]string{
		"no JSON":         "secret-payload",
		"nothing":         "",
		"another type":    `{"app":7,"frame":"secret-payload"}`,
		"half":            `{"app":"secret-payload`,
		"an unknown kind": `{"kind":"newer","app":"local","frame":"secret-payload"}`,
	} {
		t.Run(name, func(t *testing.T) {
			var text bytes.Buffer
			var got []state.Broadcast
			d := func(_ context.Context, b []state.Broadcast) (int, error) {
				got = b
				return 0, errors.New("broken")
			}
			back := failed(t, d, slog.New(slog.NewTextHandler(&text, nil)),
				message("m1", "a", state.Event{Channel: "first"}),
				received("bad", "a", body),
				message("m2", "a", state.Event{Channel: "second"}))
			if !slices.Equal(back, []string{"m1", "m2"}) ||
				len(got) != 2 || channelOf(got[1]) != "second" {
				t.Errorf("%q are given back, %+v delivered", back, got)
			}
			s := text.String()
			if !strings.Contains(s, "cannot be read") || !strings.Contains(s, "message=bad") {
				t.Errorf("log: %s", s)
			}
			if strings.Contains(text.String(), "secret-payload") {
				t.Errorf("the payload is in the log: %s", text.String())
			}
		})
	}
}

// A group that hangs must not lose the others' results when Lambda kills the function.
func TestConsumeLeavesTimeToAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		c := consumer(func(ctx context.Context, b []state.Broadcast) (int, error) {
			if channelOf(b[0]) == "fast" {
				return all(ctx, b)
			}
			<-ctx.Done()
			return 0, ctx.Err()
		})
		h := queue.ConsumeBroadcasts(c, slog.New(slog.DiscardHandler))
		out, err := h(ctx, events.SQSEvent{Records: []events.SQSMessage{
			message("m1", "slow", state.Event{Channel: "slow"}),
			message("m2", "fast", state.Event{Channel: "fast"}),
		}})
		want := []events.SQSBatchItemFailure{{ItemIdentifier: "m1"}}
		if err != nil || !slices.Equal(out.BatchItemFailures, want) {
			t.Errorf("got %+v, %v", out, err)
		}
		if left := 10*time.Second - time.Since(began); left != time.Second {
			t.Errorf("%s left to answer", left)
		}
	})
}

func TestConsumeRunsGroupsAtTheSameTime(t *testing.T) {
	var both sync.WaitGroup
	both.Add(2)
	d := func(ctx context.Context, b []state.Broadcast) (int, error) {
		both.Done()
		both.Wait() // would wait for ever if the groups ran one after the other
		return all(ctx, b)
	}
	back := failed(t, d, nil,
		message("m1", "a", state.Event{}), message("m2", "b", state.Event{}))
	if back != nil {
		t.Errorf("%q are given back", back)
	}
}
