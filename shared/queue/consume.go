package queue

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"

	"github.com/aws/aws-lambda-go/events"

	"hark/shared/invocation"
	"hark/shared/state"
)

// Handler takes a batch of messages, and answers which of them must come again.
type Handler = func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)

// Consumer handles the broadcasts of one message group, which is one channel's.
type Consumer interface {
	// Consume handles them in order and returns how many, from the first on, are done. err says why
	// the next one is not: it and those behind it must be received again.
	Consume(ctx context.Context, broadcasts []state.Broadcast) (done int, err error)
}

// ConsumeBroadcasts returns the handler of the broadcasts queue. The groups of a batch run side by side, each in its order. A group
// that fails returns its rest; the others are not held up, as they would be by AWS's advice to stop the whole batch at the
// first failure. A message that cannot be read is logged and dropped, never retried for ever.
func ConsumeBroadcasts(c Consumer, log *slog.Logger) Handler {
	return consume(log, readBroadcast, c.Consume)
}

// consume returns the handler of a queue whose messages are read as T.
func consume[T any](
	log *slog.Logger, read func(events.SQSMessage) (T, error), work func(ctx context.Context, batch []T) (done int, err error),
) Handler {
	return func(ctx context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
		ctx, cancel := invocation.Early(ctx)
		defer cancel()
		var mu sync.Mutex
		out := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}} // a list even when empty: not every poller takes null
		var wg sync.WaitGroup
		for name, g := range groups(ctx, log, e.Records, read) {
			wg.Go(func() {
				done, err := try(ctx, g.items, work)
				if err == nil {
					return
				}
				log.WarnContext(ctx, "messages given back, they come again", "group", name, "count", len(g.ids)-done, "error", err)
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

// batch is what an invocation got of one group: message i carries item i.
type batch[T any] struct {
	ids   []string
	items []T
}

func groups[T any](
	ctx context.Context, log *slog.Logger, messages []events.SQSMessage, read func(events.SQSMessage) (T, error),
) map[string]*batch[T] {
	all := make(map[string]*batch[T])
	for _, m := range messages {
		item, err := read(m)
		if err != nil {
			log.ErrorContext(ctx, "message dropped: it cannot be read", "message", m.MessageId, "queue", m.EventSourceARN, "error", err)
			continue
		}
		name := m.Attributes["MessageGroupId"]
		if all[name] == nil {
			all[name] = &batch[T]{}
		}
		all[name].ids = append(all[name].ids, m.MessageId)
		all[name].items = append(all[name].items, item)
	}
	return all
}

// body reads a message that is nothing but its body.
func body[T any](m events.SQSMessage) (v T, err error) {
	return v, json.Unmarshal([]byte(m.Body), &v)
}

// try turns a panic into an error, so that the other groups of the batch go on.
func try[T any](ctx context.Context, items []T, work func(context.Context, []T) (int, error)) (done int, err error) {
	defer invocation.Recovered(&err)
	return work(ctx, items)
}
