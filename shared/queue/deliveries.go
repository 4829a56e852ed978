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

// Deliveries is the queue of webhook events on their way to endpoints. It implements
// webhook.Deliveries.
type Deliveries struct {
	Client *sqs.Client
	URL    string
}

// Send queues deliveries. Those of one app to one endpoint about one channel are a message group:
// they keep their order, and no other group waits for them.
func (d *Deliveries) Send(ctx context.Context, deliveries ...state.Delivery) error {
	messages := make([]message, len(deliveries))
	for i, x := range deliveries {
		text, err := encode(x)
		if err != nil {
			return fmt.Errorf("encode delivery: %w", err)
		}
		group := hash(x.App + "#" + string(x.Event.Channel) + "#" + x.URL)
		messages[i] = message{text, group, rand.Text()}
	}
	if err := send(ctx, d.Client, d.URL, messages); err != nil {
		return fmt.Errorf("queue deliveries: %w", err)
	}
	return nil
}

// Deliverer sends webhook events to endpoints.
type Deliverer interface {
	// Deliver sends one event to one endpoint. If it fails, it is called again with the same
	// delivery before any other of its group.
	Deliver(ctx context.Context, d state.Delivery) error
	// Delay returns how long a delivery waits that failed and was received so often.
	Delay(receives int) time.Duration
}

// received is a delivery with the receipt handle of its message.
type received struct {
	state.Delivery
	receipt string
}

// Consume returns the handler of the queue. A delivery that fails is hidden for its delay, and its
// group with it. That keeps the group in order, and no other group waits.
//
// The event source mapping should hand out one message at a time. Messages behind one that fails
// are returned to the queue with it, and would use up their receives without having been tried.
func (d *Deliveries) Consume(to Deliverer, log *slog.Logger) Handler {
	read := func(m events.SQSMessage) (received, error) {
		x, err := body[state.Delivery](m)
		x.Receives = receives(m)
		return received{x, m.ReceiptHandle}, err
	}
	work := func(ctx context.Context, all []received) (done int, err error) {
		for i, x := range all {
			if err := to.Deliver(ctx, x.Delivery); err != nil {
				d.hide(ctx, log, x, to.Delay(x.Receives))
				return i, fmt.Errorf("%s about %s of app %s: %w",
					x.Event.Name, x.Event.Channel, x.App, err)
			}
		}
		return len(all), nil
	}
	return consume(log, read, work)
}

// hide has the queue hand out the delivery again after the delay. If that fails, it is handed out
// after the queue's visibility timeout.
func (d *Deliveries) hide(
	ctx context.Context, log *slog.Logger, x received, delay time.Duration,
) {
	_, err := d.Client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &d.URL, ReceiptHandle: &x.receipt, VisibilityTimeout: int32(delay / time.Second),
	})
	if err != nil {
		log.WarnContext(ctx, "delay not set",
			"app", x.App, "channel", x.Event.Channel, "error", err)
	}
}
