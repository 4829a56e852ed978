package sqs_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"hark/localstack/cloud/sqs"
)

// TestConsumersShareAQueue runs many consumers on one queue. Some of them make messages visible
// again. In the end each message must have been deleted once, and those of a FIFO group in the
// order in which they were sent.
func TestConsumersShareAQueue(t *testing.T) {
	t.Parallel()
	for _, fifo := range []bool{false, true} {
		t.Run(fmt.Sprintf("fifo=%t", fifo), func(t *testing.T) {
			t.Parallel()
			newCrowd(t, fifo).work()
		})
	}
}

const (
	crowdGroups   = 7
	crowdMessages = 150 // of each group
	consumers     = 12
)

type crowd struct {
	bench
	queue string
	fifo  bool

	mu   sync.Mutex
	done map[string][]string // by group, the bodies in the order they were deleted
	left int
	stop context.CancelFunc
}

func newCrowd(t *testing.T, fifo bool) *crowd {
	spec := sqs.QueueSpec{QueueName: "q", FifoQueue: fifo, ContentBasedDeduplication: fifo}
	if fifo {
		spec.QueueName = "q.fifo"
	}
	return &crowd{
		bench: newBench(t, spec), queue: spec.QueueName, fifo: fifo,
		done: make(map[string][]string), left: crowdGroups * crowdMessages,
	}
}

func (c *crowd) work() {
	ctx, cancel := context.WithTimeout(c.Context(), time.Minute)
	defer cancel()
	c.stop = cancel
	var wg sync.WaitGroup
	for g := range crowdGroups {
		wg.Go(func() { c.produce(ctx, fmt.Sprint("g", g)) })
	}
	for range consumers {
		wg.Go(func() { c.consume(ctx) })
	}
	wg.Wait()
	if c.left != 0 {
		c.Fatalf("%d messages are left", c.left)
	}
	for g, bodies := range c.done {
		seen := make(map[string]bool)
		for i, body := range bodies {
			if seen[body] || c.fifo && body != fmt.Sprint(g, "-", i) {
				c.Fatalf("group %s: %s was deleted as number %d", g, body, i)
			}
			seen[body] = true
		}
	}
}

func (c *crowd) produce(ctx context.Context, group string) {
	for i := range crowdMessages {
		in := map[string]any{"MessageBody": fmt.Sprint(group, "-", i), "MessageGroupId": group}
		if _, code := c.call(ctx, "SendMessage", c.queue, in, nil); code != "" {
			c.Errorf("send: %s", code)
		}
	}
}

func (c *crowd) consume(ctx context.Context) {
	for ctx.Err() == nil {
		got, err := c.Receive(ctx, arnPrefix+c.queue, 1+rand.IntN(10), 5*time.Second)
		if err != nil {
			return
		}
		given := false
		for _, m := range got {
			// After the first, all others must go back, too, or they would change their order.
			given = given || rand.IntN(10) == 0
			c.finish(ctx, m, given)
		}
	}
}

// finish makes the message visible again, or records and deletes it.
func (c *crowd) finish(ctx context.Context, m sqs.Message, back bool) {
	if back {
		if err := c.ChangeVisibility(ctx, arnPrefix+c.queue, m.ReceiptHandle, 0); err != nil &&
			ctx.Err() == nil {
			c.Error(err)
		}
		return
	}
	group, _, _ := strings.Cut(m.Body, "-")
	c.mu.Lock()
	c.done[group] = append(c.done[group], m.Body)
	c.left--
	last := c.left == 0
	c.mu.Unlock()
	if err := c.Delete(context.WithoutCancel(ctx), arnPrefix+c.queue, m.ReceiptHandle); err != nil {
		c.Error(err)
	}
	if last {
		c.stop()
	}
}

func BenchmarkSendReceiveDelete(b *testing.B) {
	for _, name := range []string{"q", "q.fifo"} {
		b.Run(name, func(b *testing.B) {
			fifo := strings.HasSuffix(name, ".fifo")
			s := newBench(
				b, sqs.QueueSpec{QueueName: name, FifoQueue: fifo, ContentBasedDeduplication: fifo},
			)
			for i := 0; b.Loop(); i++ {
				s.send(name, fmt.Sprint(i))
				s.delete(name, s.receive(name, 0)...)
			}
		})
	}
}

// BenchmarkReceive receives and gives back one message among many.
func BenchmarkReceive(b *testing.B) {
	for _, name := range []string{"q", "q.fifo"} {
		b.Run(name, func(b *testing.B) {
			fifo := strings.HasSuffix(name, ".fifo")
			s := newBench(b, sqs.QueueSpec{
				QueueName: name, FifoQueue: fifo, ContentBasedDeduplication: fifo,
				VisibilityTimeout: ptr(0),
			})
			for i := range 10_000 {
				s.call(b.Context(), "SendMessage", name, map[string]any{
					"MessageBody": fmt.Sprint(i), "MessageGroupId": fmt.Sprint("g", i%100),
				}, nil)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Receive(b.Context(), arnPrefix+name, 1, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkServeHTTP is the protocol without a network.
func BenchmarkServeHTTP(b *testing.B) {
	const url = `"QueueUrl":"http://localhost:4566/` + account + `/q"`
	for operation, body := range map[string]string{
		"SendMessage":    `{` + url + `,"MessageBody":"hello"}`,
		"ReceiveMessage": `{` + url + `,"VisibilityTimeout":0}`,
	} {
		b.Run(operation, func(b *testing.B) {
			s := newBench(b, sqs.QueueSpec{QueueName: "q"})
			s.send("q", "hello")
			r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/", nil)
			r.Header.Set("X-Amz-Target", "AmazonSQS."+operation)
			b.ReportAllocs()
			for b.Loop() {
				r.Body = io.NopCloser(strings.NewReader(body))
				w := httptest.NewRecorder()
				s.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
			}
		})
	}
}
