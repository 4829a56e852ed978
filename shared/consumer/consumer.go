// Package consumer decides what the one consumer of a channel does with the channel's messages:
// events go to the fan-out, joins, leaves, counts and watches to package membership, all in the
// order of the queue.
//
// A channel's messages are one message group of a FIFO queue, so one invocation has them at a time.
// That is what keeps events in order, and what makes the consumer the only writer of a presence
// channel (docs/steps.md §3).
package consumer

import (
	"context"
	"fmt"

	"hark/shared/state"
)

// Fanout posts events to subscribers.
type Fanout interface {
	// Events posts events of one channel, a cached one alone. done counts those that need not be
	// posted again; err says why the next one must be.
	Events(ctx context.Context, events []state.Event) (done int, err error)
}

// Membership runs the steps that only a channel's consumer may run. After an error a step must run
// again, before anything else of the channel.
type Membership interface {
	// Join takes a connection into a presence channel.
	Join(ctx context.Context, j state.Join) error
	// Leave takes a connection out of a presence channel.
	Leave(ctx context.Context, l state.Leave) error
	// SendCount sends a channel's subscribers how many they are.
	SendCount(ctx context.Context, c state.Count) error
	// SendStatus sends a user's watchers whether the user is online.
	SendStatus(ctx context.Context, w state.Watch) error
}

// Consumer handles the messages of channels. It keeps nothing between calls and is safe for
// concurrent use with messages of different channels.
type Consumer struct {
	Fanout     Fanout
	Membership Membership
}

// Consume handles the messages of one message group in order. done counts those, from the first on,
// that are done; err says why the next one is not. It and those behind it must be received again.
func (c *Consumer) Consume(
	ctx context.Context, messages []state.Broadcast,
) (done int, err error) {
	for done < len(messages) {
		n, err := c.next(ctx, messages[done:])
		done += n
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// next handles the first message, and the events behind it if it is an event.
func (c *Consumer) next(ctx context.Context, messages []state.Broadcast) (done int, err error) {
	switch m := messages[0].(type) {
	case state.Event:
		return c.Fanout.Events(ctx, events(m, messages[1:]))
	case state.Join:
		err = c.Membership.Join(ctx, m)
	case state.Leave:
		err = c.Membership.Leave(ctx, m)
	case state.Count:
		err = c.Membership.SendCount(ctx, m)
	case state.Watch:
		err = c.Membership.SendStatus(ctx, m)
	default:
		return 0, fmt.Errorf("broadcast of unknown type %T", m)
	}
	if err != nil {
		return 0, err
	}
	return 1, nil
}

// events returns the first event and those that directly follow it on the same channel. In a
// message group all are for one channel, unless the hashes of two channels are equal. A cached
// event stays alone.
func events(first state.Event, rest []state.Broadcast) []state.Event {
	out := []state.Event{first}
	for _, m := range rest {
		e, ok := m.(state.Event)
		if !ok || e.App != first.App || e.Channel != first.Channel || e.Cache || first.Cache {
			break
		}
		out = append(out, e)
	}
	return out
}
