package queue

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"hark/shared/pusher"
	"hark/shared/state"
)

// Broadcasts is the queue of events to deliver, and of changes that keep their place between a
// channel's events.
type Broadcasts struct {
	Client *sqs.Client
	URL    string
}

// Publish queues the broadcasts, those of one channel in the order given. When it returns nil, all
// are queued; when it fails, some may be. Two equal events are two messages, unless they have the
// same RepeatKey: then the queue takes one of them within five minutes (docs/aws.md §C) and the
// other succeeds too.
func (b *Broadcasts) Publish(ctx context.Context, broadcasts ...state.Broadcast) error {
	messages := make([]message, len(broadcasts))
	for i, m := range broadcasts {
		body, err := encode(withKind(m))
		if err != nil {
			return fmt.Errorf("encode broadcast: %w", err)
		}
		messages[i] = message{body, channelGroup(m.Target()), deduplication(m)}
	}
	if err := send(ctx, b.Client, b.URL, messages); err != nil {
		return fmt.Errorf("queue broadcasts: %w", err)
	}
	return nil
}

// deduplication returns the ID by which SQS recognizes a repeat. An event is new unless it has a
// RepeatKey. A join or a leave is the same for each run of the function that handles its frame
// (docs/decisions/0011-deduplication-ids.md).
func deduplication(m state.Broadcast) string {
	switch m := m.(type) {
	case state.Event:
		if m.RepeatKey != "" {
			return hash(fmt.Sprintf("%s#%s#once#%s", m.App, m.Channel, m.RepeatKey))
		}
	case state.Join:
		return onceForEachFrame(kindJoin, m.App, m.Channel, m.Connection, m.Stamp)
	case state.Leave:
		return onceForEachFrame(kindLeave, m.App, m.Channel, m.Connection, m.Stamp)
	}
	return rand.Text()
}

func onceForEachFrame(
	kind, app string, ch pusher.Channel, id pusher.ConnectionID, t state.Stamp,
) string {
	return hash(fmt.Sprintf("%s#%s#%s#%s#%d", app, ch, id, kind, t))
}

// channelGroup returns the message group that keeps a channel's messages in order.
func channelGroup(app string, ch pusher.Channel) string {
	return hash(app + "#" + string(ch))
}

// The kinds of broadcasts, as their bodies name them. An event has none.
const (
	kindJoin  = "join"
	kindLeave = "leave"
	kindCount = "count"
	kindWatch = "watch"
)

// withKind returns the broadcast as its body is encoded: with its kind before its own fields.
func withKind(m state.Broadcast) any {
	switch m := m.(type) {
	case state.Join:
		return struct {
			Kind string `json:"kind"`
			state.Join
		}{kindJoin, m}
	case state.Leave:
		return struct {
			Kind string `json:"kind"`
			state.Leave
		}{kindLeave, m}
	case state.Count:
		return struct {
			Kind string `json:"kind"`
			state.Count
		}{kindCount, m}
	case state.Watch:
		return struct {
			Kind string `json:"kind"`
			state.Watch
		}{kindWatch, m}
	}
	return m
}

// readBroadcast decodes the body that Publish encoded. It fails for an unknown kind, which a newer
// version of Hark may have queued.
func readBroadcast(m events.SQSMessage) (state.Broadcast, error) {
	of, err := body[struct {
		Kind string `json:"kind"`
	}](m)
	if err != nil {
		return nil, err
	}
	switch of.Kind {
	case "":
		return body[state.Event](m)
	case kindJoin:
		return body[state.Join](m)
	case kindLeave:
		return body[state.Leave](m)
	case kindCount:
		return body[state.Count](m)
	case kindWatch:
		return body[state.Watch](m)
	}
	return nil, fmt.Errorf("its kind is unknown: %.20q", of.Kind)
}

// Consumer handles the broadcasts of channels.
type Consumer interface {
	// Consume handles the broadcasts of one message group in order: one channel's, unless the
	// hashes of two channels are equal. It returns how many, from the first on, are done. err says
	// why the next one is not: it and those behind it must be received again.
	Consume(ctx context.Context, broadcasts []state.Broadcast) (done int, err error)
}

// ConsumeBroadcasts returns the handler of the broadcasts queue.
func ConsumeBroadcasts(c Consumer, log *slog.Logger) Handler {
	return consume(log, readBroadcast, c.Consume)
}
