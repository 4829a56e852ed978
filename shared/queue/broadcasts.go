package queue

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"hark/shared/pusher"
	"hark/shared/state"
)

// Broadcasts sends events to the queue of events to deliver.
type Broadcasts struct {
	Client *sqs.Client
	URL    string
}

// Publish queues the broadcasts, those of one channel in the order given. When it returns nil, all
// are queued; when it fails, some may be. Two equal events are two messages, unless they have the
// same RepeatKey: then the queue takes one of them within five minutes (docs/aws.md §C) and the
// other succeeds too.
func (b *Broadcasts) Publish(ctx context.Context, broadcasts ...state.Broadcast) error {
	letters := make([]letter, len(broadcasts))
	for i, m := range broadcasts {
		body, err := encode(withKind(m))
		if err != nil {
			return fmt.Errorf("encode broadcast: %w", err)
		}
		letters[i] = letter{body, channelGroup(m.Target()), deduplication(m)}
	}
	if err := send(ctx, b.Client, b.URL, letters); err != nil {
		return fmt.Errorf("queue broadcasts: %w", err)
	}
	return nil
}

// deduplication returns the ID by which SQS recognizes a repeat. An event is new unless its publisher
// named it; a connection joins and leaves a channel once for each frame, however often a function
// that died is repeated (docs/decisions/0011-deduplication-ids.md).
func deduplication(m state.Broadcast) string {
	switch m := m.(type) {
	case state.Event:
		if m.RepeatKey != "" {
			return hash(fmt.Sprintf("%s#%s#once#%s", m.App, m.Channel, m.RepeatKey))
		}
	case state.Join:
		return hash(fmt.Sprintf("%s#%s#%s#%s#%d", m.App, m.Channel, m.Connection, kindJoin, m.Stamp))
	case state.Leave:
		return hash(fmt.Sprintf("%s#%s#%s#%s#%d", m.App, m.Channel, m.Connection, kindLeave, m.Stamp))
	}
	return rand.Text()
}

// channelGroup is the message group that keeps a channel's messages in order. A channel's name may be
// longer than a group's may, so it is hashed.
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

// withKind returns the broadcast with the kind that its body begins with.
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

// readBroadcast reads the body that Publish wrote. It fails for a kind that it does not know, which a
// newer version may have queued.
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
