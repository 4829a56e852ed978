package lambda_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"hark/localstack/cloud/lambda"
)

func BenchmarkInvokeInParallel(b *testing.B) {
	c := newCloud(b)
	c.create("echo")
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.Invoke(b.Context(), "echo", []byte(`"x"`)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkInvoke(b *testing.B) {
	for _, size := range []int{100, 10_000, 1_000_000} {
		b.Run(fmt.Sprintf("%d_bytes", size), func(b *testing.B) {
			c := newCloud(b)
			c.create("echo")
			payload := []byte(`"` + strings.Repeat("x", size) + `"`)
			c.invoke("echo", string(payload))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Invoke(b.Context(), "echo", payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSendToDone(b *testing.B) {
	q := newQueue(b, 600)
	done := make(chan struct{})
	c := newCloud(b, func(o *lambda.Options) { o.Queues = noticing{q, done} })
	c.create("echo")
	if err := c.Map(mapped("echo", func(m *lambda.MappingSpec) {
		m.FunctionResponseTypes = nil
	})); err != nil {
		b.Fatal(err)
	}
	for i := 0; b.Loop(); i++ {
		q.send(fmt.Sprintf("a%d-%d", i, time.Now().UnixNano()))
		<-done
	}
}

// Delete also signals that it did.
func (n noticing) Delete(ctx context.Context, queueARN string, receiptHandles ...string) error {
	err := n.queue.Delete(ctx, queueARN, receiptHandles...)
	select {
	case n.done <- struct{}{}:
	case <-ctx.Done():
	}
	return err
}

// noticing tells when a batch was deleted.
type noticing struct {
	queue
	done chan struct{}
}
