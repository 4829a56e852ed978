package queue

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"hark/shared/pusher"
	"hark/shared/state"
)

// Checks sends to the queue of channels to look at, which hands out nothing before the delay that it was made with has passed: long
// enough for a page to reload. It fits membership.Checks.
type Checks struct {
	Client *sqs.Client
	URL    string
}

// Check has somebody look whether the channel is occupied; of a presence channel, if a user is named, whether that user is there.
func (c *Checks) Check(ctx context.Context, app string, ch pusher.Channel, user string) error {
	return c.send(ctx, state.Check{App: app, Channel: ch, User: user})
}

// Missed says that somebody found no event on a cache channel.
func (c *Checks) Missed(ctx context.Context, app string, ch pusher.Channel) error {
	return c.send(ctx, state.Check{App: app, Channel: ch, Missed: true})
}

// send queues a check. None is taken for another one: what is to be seen may have changed between two.
func (c *Checks) send(ctx context.Context, k state.Check) error {
	text, err := encode(k)
	if err != nil {
		return fmt.Errorf("encode check: %w", err)
	}
	if err := send(ctx, c.Client, c.URL, []letter{{text, channelGroup(k.App, k.Channel), rand.Text()}}); err != nil {
		return fmt.Errorf("queue a check of %s: %w", k.Channel, err)
	}
	return nil
}

// Checker does one check. One that failed is done again, marked as such, before any other of its channel.
type Checker interface {
	Check(ctx context.Context, k state.Check) error
}

// ConsumeChecks returns the handler of the checks queue. It treats a batch as Consume does.
func ConsumeChecks(c Checker, log *slog.Logger) Handler {
	read := func(m events.SQSMessage) (state.Check, error) {
		k, err := body[state.Check](m)
		k.Again = receives(m) > 1
		return k, err
	}
	return consume(log, read, func(ctx context.Context, checks []state.Check) (done int, err error) {
		for i, k := range checks {
			if err := c.Check(ctx, k); err != nil {
				return i, err
			}
		}
		return len(checks), nil
	})
}

// receives is how often the message has been handed out, this time included.
func receives(m events.SQSMessage) int {
	n, err := strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
	if err != nil || n < 1 {
		return 1
	}
	return n
}
