package sqs_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hark/localstack/cloud/sqs"
)

func ptr(n int) *int { return &n }

// timed is a rule about time. It runs in a synctest bubble, whose clock does not wait.
type timed struct {
	name  string
	specs []sqs.QueueSpec
	run   func(bench)
}

func runTimed(t *testing.T, tests []timed) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { test.run(newBench(t, test.specs...)) })
		})
	}
}

func standardQueue() []sqs.QueueSpec {
	return []sqs.QueueSpec{{
		QueueName: "q", VisibilityTimeout: ptr(30), MessageRetentionPeriod: ptr(300),
	}}
}

func TestMessagesComeBackAndExpireOnTime(t *testing.T) {
	t.Parallel()
	standard := standardQueue()
	runTimed(t, []timed{
		{"a message is back when its visibility timeout ends, not before", standard, func(b bench) {
			b.send("q", "x")
			b.gets("q", "x")
			time.Sleep(30*time.Second - 1)
			b.gets("q", "")
			time.Sleep(time.Nanosecond)
			b.gets("q", "x")
		}},
		{"a message vanishes when its retention ends, also in flight", standard, func(b bench) {
			b.send("q", "1", "2")
			time.Sleep(299 * time.Second)
			m := b.gets("q", "1 2")[0]
			time.Sleep(time.Second)
			if err := b.ChangeVisibility(
				b.Context(), arnPrefix+"q", m.ReceiptHandle, 0,
			); err == nil {
				b.Error("the message is still there")
			}
			b.gets("q", "")
		}},
		{"a visibility timeout can be prolonged to 12 hours in total", standard, twelveHours},
		{"a purge is allowed again after a minute", standard, func(b bench) {
			b.call(b.Context(), "PurgeQueue", "q", nil, nil)
			time.Sleep(time.Minute - 1)
			if status, _ := b.call(
				b.Context(), "PurgeQueue", "q", nil, nil,
			); status != http.StatusForbidden {
				b.Errorf("status is %d", status)
			}
			time.Sleep(time.Nanosecond)
			if status, _ := b.call(
				b.Context(), "PurgeQueue", "q", nil, nil,
			); status != http.StatusOK {
				b.Errorf("status is %d", status)
			}
		}},
	})
}

func TestLongPollsAreServedOnTime(t *testing.T) {
	t.Parallel()
	standard := standardQueue()
	runTimed(t, []timed{
		{"a long poll is woken at the moment a visibility timeout ends", standard, func(b bench) {
			b.send("q", "x")
			b.gets("q", "x")
			time.Sleep(11 * time.Second)
			b.takes(19*time.Second, func() { b.wants(b.receive("q", 20*time.Second), "x") })
		}},
		{"a long poll is woken at the moment a delay ends", standard, func(b bench) {
			b.call(b.Context(), "SendMessage", "q", map[string]any{
				"MessageBody": "late", "DelaySeconds": 900,
			}, nil)
			b.call(b.Context(), "SendMessage", "q", map[string]any{
				"MessageBody": "soon", "DelaySeconds": 7,
			}, nil)
			b.takes(7*time.Second, func() { b.wants(b.receive("q", 20*time.Second), "soon") })
		}},
		{"a message with a shorter delay sets the timer again", standard, func(b bench) {
			b.call(b.Context(), "SendMessage", "q", map[string]any{
				"MessageBody": "late", "DelaySeconds": 15,
			}, nil)
			time.AfterFunc(time.Second, func() {
				b.call(context.Background(), "SendMessage", "q", map[string]any{
					"MessageBody": "soon", "DelaySeconds": 2,
				}, nil)
			})
			b.takes(3*time.Second, func() { b.wants(b.receive("q", 20*time.Second), "soon") })
		}},
		{"a change of visibility reaches the receives that wait", standard, func(b bench) {
			b.send("q", "x")
			m := b.gets("q", "x")[0]
			time.AfterFunc(time.Second, func() {
				_ = b.ChangeVisibility(
					context.Background(), arnPrefix+"q", m.ReceiptHandle, 3*time.Second,
				)
			})
			b.takes(4*time.Second, func() { b.wants(b.receive("q", 20*time.Second), "x") })
		}},
		{"a long poll ends empty after its wait", standard, func(b bench) {
			b.takes(20*time.Second, func() { b.wants(b.receive("q", 20*time.Second), "") })
		}},
		{"a long poll ends with its context and takes nothing along", standard, cancelledPoll},
		{"waiting receives are served in the order they came", standard, waitersInOrder},
		{"a whole batch goes to one waiting receive", standard, func(b bench) {
			time.AfterFunc(time.Second, func() {
				entries := []any{
					map[string]any{"Id": "1", "MessageBody": "1"},
					map[string]any{"Id": "2", "MessageBody": "2"},
				}
				in := map[string]any{"Entries": entries}
				b.call(context.Background(), "SendMessageBatch", "q", in, nil)
			})
			b.takes(time.Second, func() { b.wants(b.receive("q", 20*time.Second), "1 2") })
		}},
	})
}

func TestFIFOQueuesKeepTime(t *testing.T) {
	t.Parallel()
	fifo := []sqs.QueueSpec{{QueueName: "q.fifo", FifoQueue: true, ContentBasedDeduplication: true}}
	runTimed(t, []timed{
		{"a duplicate is one for five minutes from the first", fifo, func(b bench) {
			b.send("q.fifo", "x")
			b.delete("q.fifo", b.gets("q.fifo", "x")...)
			time.Sleep(3 * time.Minute)
			b.send("q.fifo", "x")
			time.Sleep(2*time.Minute - 1)
			b.send("q.fifo", "x")
			b.gets("q.fifo", "")
			time.Sleep(time.Nanosecond)
			b.send("q.fifo", "x")
			b.gets("q.fifo", "x")
		}},
		{"a group comes back in order when its messages' visibility ends", fifo, func(b bench) {
			b.send("q.fifo", "1", "2", "3")
			got := b.gets("q.fifo", "1 2 3")
			if err := b.ChangeVisibility(
				b.Context(), arnPrefix+"q.fifo", got[0].ReceiptHandle, time.Minute,
			); err != nil {
				b.Fatal(err)
			}
			time.Sleep(30 * time.Second)
			b.gets("q.fifo", "")
			time.Sleep(30 * time.Second)
			b.gets("q.fifo", "1 2 3")
		}},
		{"a FIFO queue refuses the handle of an earlier receive", fifo, expiredHandle},
	})
}

func TestDeadLettersKeepOrLoseTheirAge(t *testing.T) {
	t.Parallel()
	runTimed(t, []timed{
		{"dead letters of a standard queue keep their age", deadLetters(false), func(b bench) {
			b.waitForDead("q", "dead", "")
		}},
		{"dead letters of a FIFO queue begin anew", deadLetters(true), func(b bench) {
			b.waitForDead("q.fifo", "dead.fifo", "x")
		}},
		{"a message stays without a dead-letter queue", deadLetters(false)[1:], func(b bench) {
			b.send("q", "x")
			for range 3 {
				b.gets("q", "x")
				time.Sleep(30 * time.Second)
			}
		}},
	})
}

// takes asserts how long f takes.
func (b bench) takes(want time.Duration, f func()) {
	b.Helper()
	begin := time.Now()
	f()
	if got := time.Since(begin); got != want {
		b.Errorf("took %s, want %s", got, want)
	}
}

func (b bench) wants(got []sqs.Message, want string) {
	b.Helper()
	var bodies []string
	for _, m := range got {
		bodies = append(bodies, m.Body)
	}
	if text := strings.Join(bodies, " "); text != want {
		b.Errorf("received %q, want %q", text, want)
	}
}

func cancelledPoll(b bench) {
	ctx, cancel := context.WithCancel(b.Context())
	time.AfterFunc(time.Second, cancel)
	b.takes(time.Second, func() {
		if _, err := b.Receive(
			ctx, arnPrefix+"q", 1, 20*time.Second,
		); !errors.Is(err, context.Canceled) {
			b.Errorf("error is %v", err)
		}
	})
	b.send("q", "x")
	b.gets("q", "x")
}

func waitersInOrder(b bench) {
	served := make(chan string, 3)
	for _, name := range []string{"first", "second", "third"} {
		go func() {
			got, err := b.Receive(context.Background(), arnPrefix+"q", 1, 20*time.Second)
			if err != nil || len(got) != 1 {
				b.Errorf("%s: %v, %v", name, got, err)
				return
			}
			served <- name + " " + got[0].Body
		}()
		synctest.Wait()
	}
	for _, want := range []string{"first 1", "second 2", "third 3"} {
		b.send("q", strings.Fields(want)[1])
		if got := <-served; got != want {
			b.Errorf("served %s, want %s", got, want)
		}
	}
}

func expiredHandle(b bench) {
	b.send("q.fifo", "x")
	old := b.gets("q.fifo", "x")[0]
	time.Sleep(30 * time.Second)
	now := b.gets("q.fifo", "x")[0]
	err := b.Delete(b.Context(), arnPrefix+"q.fifo", old.ReceiptHandle)
	if err == nil || !strings.Contains(err.Error(), "The receipt handle has expired") {
		b.Errorf("error is %v", err)
	}
	if b.ChangeVisibility(b.Context(), arnPrefix+"q.fifo", old.ReceiptHandle, 0) == nil {
		b.Error("changed the visibility by an expired handle")
	}
	b.delete("q.fifo", now)
}

func twelveHours(b bench) {
	if err := b.Create(sqs.QueueSpec{QueueName: "long"}); err != nil {
		b.Fatal(err)
	}
	b.send("long", "x")
	m := b.gets("long", "x")[0]
	change := func(d time.Duration) error {
		return b.ChangeVisibility(b.Context(), arnPrefix+"long", m.ReceiptHandle, d)
	}
	time.Sleep(10 * time.Second)
	if err := change(12 * time.Hour); err == nil ||
		!strings.Contains(err.Error(), "Total VisibilityTimeout") {
		b.Errorf("error is %v", err)
	}
	if err := change(12*time.Hour - 10*time.Second); err != nil {
		b.Error(err)
	}
	b.takes(12*time.Hour-10*time.Second, func() { b.wants(b.receive("long", 24*time.Hour), "x") })
}

func deadLetters(fifo bool) []sqs.QueueSpec {
	suffix := ""
	if fifo {
		suffix = ".fifo"
	}
	return []sqs.QueueSpec{
		{
			QueueName: "dead" + suffix, FifoQueue: fifo, ContentBasedDeduplication: fifo,
			MessageRetentionPeriod: ptr(60),
		},
		{
			QueueName: "q" + suffix, FifoQueue: fifo, ContentBasedDeduplication: fifo,
			RedrivePolicy: &sqs.RedrivePolicy{
				DeadLetterTargetARN: arnPrefix + "dead" + suffix, MaxReceiveCount: 1,
			},
		},
	}
}

// waitForDead makes a dead letter 50 seconds after it was sent. It receives the dead letters 20
// seconds later.
func (b bench) waitForDead(queue, dead, want string) {
	b.Helper()
	b.send(queue, "x")
	b.gets(queue, "x")
	time.Sleep(50 * time.Second)
	b.gets(queue, "")
	time.Sleep(20 * time.Second)
	b.gets(dead, want)
}
