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

// Checks sends to the checks queue. The queue delays every message by config.CheckDelay, which is
// long enough for a page to reload. It implements membership.Checks.
type Checks struct {
	Client *sqs.Client
	URL    string
}

// Check queues a check of whether the channel is occupied or, if a user is named, of whether that
// user is on the presence channel.
func (c *Checks) Check(ctx context.Context, app string, ch pusher.Channel, user string) error {
	return c.send(ctx, state.Check{App: app, Channel: ch, User: user})
}

// Missed queues a check that says that a subscriber found no event on the cache channel.
func (c *Checks) Missed(ctx context.Context, app string, ch pusher.Channel) error {
	return c.send(ctx, state.Check{App: app, Channel: ch, Missed: true})
}

// send queues a check. Its deduplication ID is random: what an equal check finds later may differ.
func (c *Checks) send(ctx context.Context, k state.Check) error {
	text, err := encode(k)
	if err != nil {
		return fmt.Errorf("encode check: %w", err)
	}
	m := message{text, channelGroup(k.App, k.Channel), rand.Text()}
	if err := send(ctx, c.Client, c.URL, []message{m}); err != nil {
		return fmt.Errorf("queue a check of %s: %w", k.Channel, err)
	}
	return nil
}

// Checker does checks.
type Checker interface {
	// Check does one check. If it fails, it is called again with the same check, whose Again is
	// then set, before any other check of the channel.
	Check(ctx context.Context, k state.Check) error
}

// ConsumeChecks returns the handler of the checks queue.
func ConsumeChecks(c Checker, log *slog.Logger) Handler {
	read := func(m events.SQSMessage) (state.Check, error) {
		k, err := body[state.Check](m)
		k.Again = receives(m) > 1
		return k, err
	}
	work := func(ctx context.Context, checks []state.Check) (done int, err error) {
		for i, k := range checks {
			if err := c.Check(ctx, k); err != nil {
				return i, err
			}
		}
		return len(checks), nil
	}
	return consume(log, read, work)
}
