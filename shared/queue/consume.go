package queue

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"sync"

	"github.com/aws/aws-lambda-go/events"

	"hark/shared/invocation"
)

// Handler handles a batch of messages. It returns those that must be received again.
type Handler = func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)

// noFailures says that no message must be received again. Its list is empty, not nil, because not
// every poller takes null.
func noFailures() events.SQSEventResponse {
	return events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
}

// consume returns the handler of a queue. read decodes a message; work handles the messages of one
// group in order and returns how many, from the first on, are done. If err is not nil, the others
// must be received again.
//
// The groups of a batch run at the same time. If a group fails, its remaining messages are received
// again, and the other groups go on; AWS's advice to stop the whole batch at the first failure
// would make one channel hold up the others. A message that cannot be read is logged and dropped,
// because reading it again would not help.
func consume[T any](
	log *slog.Logger, read func(events.SQSMessage) (T, error),
	work func(ctx context.Context, items []T) (done int, err error),
) Handler {
	return func(ctx context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
		ctx, cancel := invocation.Early(ctx)
		defer cancel()
		var mu sync.Mutex
		out := noFailures()
		var wg sync.WaitGroup
		for name, g := range groups(ctx, log, e.Records, read) {
			wg.Go(func() {
				done, err := try(ctx, g.items, work)
				if err == nil {
					return
				}
				log.WarnContext(ctx, "messages given back, they come again",
					"group", name, "count", len(g.ids)-done, "error", err)
				mu.Lock()
				defer mu.Unlock()
				for _, id := range g.ids[done:] {
					failure := events.SQSBatchItemFailure{ItemIdentifier: id}
					out.BatchItemFailures = append(out.BatchItemFailures, failure)
				}
			})
		}
		wg.Wait()
		return out, nil
	}
}

// group is what a batch has of one message group. The message with ids[i] holds items[i].
type group[T any] struct {
	ids   []string
	items []T
}

// groups reads the messages and sorts them by group.
func groups[T any](
	ctx context.Context, log *slog.Logger, messages []events.SQSMessage,
	read func(events.SQSMessage) (T, error),
) map[string]*group[T] {
	all := make(map[string]*group[T])
	for _, m := range messages {
		item, err := read(m)
		if err != nil {
			log.ErrorContext(ctx, "message dropped: it cannot be read",
				"message", m.MessageId, "queue", m.EventSourceARN, "error", err)
			continue
		}
		name := m.Attributes["MessageGroupId"]
		if all[name] == nil {
			all[name] = &group[T]{}
		}
		all[name].ids = append(all[name].ids, m.MessageId)
		all[name].items = append(all[name].items, item)
	}
	return all
}

// try turns a panic into an error, so that the other groups of the batch go on.
func try[T any](
	ctx context.Context, items []T, work func(context.Context, []T) (int, error),
) (done int, err error) {
	defer invocation.Recovered(&err)
	return work(ctx, items)
}

// body decodes a message's body.
func body[T any](m events.SQSMessage) (v T, err error) {
	return v, json.Unmarshal([]byte(m.Body), &v)
}

// receives returns how often the message was received, this time included.
func receives(m events.SQSMessage) int {
	n, err := strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
	if err != nil || n < 1 {
		return 1
	}
	return n
}
