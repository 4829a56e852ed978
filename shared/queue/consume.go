package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"hark/shared/pusher"
)

// Deliverer delivers broadcasts of one group.
type Deliverer interface {
	// Deliver delivers them so that each subscriber gets them in order, and returns how many, from the first on, need not come
	// again; err says why the next one must.
	Deliver(ctx context.Context, broadcasts []pusher.Broadcast) (done int, err error)
}

// margin is what is left of an invocation for telling the queue what failed.
const margin = 500 * time.Millisecond

// Consume returns the handler of the broadcasts queue. The groups of a batch run side by side, each in its order. A group
// that fails returns its rest; the others are not held up, as they would be by AWS's advice to stop the whole batch at the
// first failure. A message that cannot be read is logged and dropped, never retried for ever.
func Consume(d Deliverer, log *slog.Logger) func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) {
	return func(ctx context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
		if end, ok := ctx.Deadline(); ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, end.Add(-margin))
			defer cancel()
		}
		var mu sync.Mutex
		out := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}} // a list even when empty: not every poller takes null
		var wg sync.WaitGroup
		for name, g := range groups(ctx, log, e.Records) {
			wg.Go(func() {
				done, err := deliver(ctx, d, g.broadcasts)
				if err == nil {
					return
				}
				log.WarnContext(ctx, "broadcasts not delivered, they come again", "group", name, "count", len(g.ids)-done, "error", err)
				mu.Lock()
				defer mu.Unlock()
				for _, id := range g.ids[done:] {
					out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: id})
				}
			})
		}
		wg.Wait()
		return out, nil
	}
}

// batch is what an invocation got of one group: message i carries broadcast i.
type batch struct {
	ids        []string
	broadcasts []pusher.Broadcast
}

func groups(ctx context.Context, log *slog.Logger, messages []events.SQSMessage) map[string]*batch {
	all := make(map[string]*batch)
	for _, m := range messages {
		var b pusher.Broadcast
		if err := json.Unmarshal([]byte(m.Body), &b); err != nil {
			log.ErrorContext(ctx, "broadcast dropped: it cannot be read", "message", m.MessageId, "error", err)
			continue
		}
		name := m.Attributes["MessageGroupId"]
		if all[name] == nil {
			all[name] = &batch{}
		}
		all[name].ids = append(all[name].ids, m.MessageId)
		all[name].broadcasts = append(all[name].broadcasts, b)
	}
	return all
}

// deliver turns a panic into an error, so that the other groups of the batch go on.
func deliver(ctx context.Context, d Deliverer, broadcasts []pusher.Broadcast) (done int, err error) {
	defer func() {
		if p := recover(); p != nil {
			done, err = 0, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return d.Deliver(ctx, broadcasts)
}
