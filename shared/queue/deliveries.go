package queue

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"hark/shared/state"
)

// Deliveries is the queue of notices to tell. It fits webhook.Deliveries.
type Deliveries struct {
	Client *sqs.Client
	URL    string
}

// Send queues deliveries. Those of one app to one endpoint about one channel are a group, and keep their order; no group waits for
// another one.
func (d *Deliveries) Send(ctx context.Context, deliveries ...state.Delivery) error {
	letters := make([]letter, len(deliveries))
	for i, x := range deliveries {
		text, err := encode(x)
		if err != nil {
			return fmt.Errorf("encode delivery: %w", err)
		}
		letters[i] = letter{text, hash(x.App + "#" + string(x.Event.Channel) + "#" + x.URL), rand.Text()}
	}
	if err := send(ctx, d.Client, d.URL, letters); err != nil {
		return fmt.Errorf("queue deliveries: %w", err)
	}
	return nil
}

// Deliverer tells one endpoint of one notice.
type Deliverer interface {
	// Deliver tells it. One that failed comes again, before any other of its group.
	Deliver(ctx context.Context, d state.Delivery) error
	// Delay is how long after it failed a delivery that has been handed out so often comes again.
	Delay(receives int) time.Duration
}

// parcel is a delivery in hand.
type parcel struct {
	state.Delivery
	receipt string
}

// Consume returns the handler of the queue. A delivery that fails is hidden until its delay is over, and its group with it: that is what
// keeps the order, and why nothing else waits. The mapping should hand out one message at a time, since what stands in a batch behind
// one that fails is handed out with it, and would use up its receives without having been tried.
func (d *Deliveries) Consume(to Deliverer, log *slog.Logger) Handler {
	read := func(m events.SQSMessage) (parcel, error) {
		x, err := body[state.Delivery](m)
		x.Receives = receives(m)
		return parcel{x, m.ReceiptHandle}, err
	}
	return consume(log, read, func(ctx context.Context, parcels []parcel) (done int, err error) {
		for i, p := range parcels {
			if err := to.Deliver(ctx, p.Delivery); err != nil {
				d.hide(ctx, log, p, to.Delay(p.Receives))
				return i, fmt.Errorf("%s about %s of app %s: %w", p.Event.Name, p.Event.Channel, p.App, err)
			}
		}
		return len(parcels), nil
	})
}

// hide has the queue hand the delivery out again after the delay. Should that fail, it comes after the queue's own.
func (d *Deliveries) hide(ctx context.Context, log *slog.Logger, p parcel, delay time.Duration) {
	_, err := d.Client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &d.URL, ReceiptHandle: &p.receipt, VisibilityTimeout: int32(delay / time.Second),
	})
	if err != nil {
		log.WarnContext(ctx, "delay not set", "app", p.App, "channel", p.Event.Channel, "error", err)
	}
}
