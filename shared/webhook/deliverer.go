package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

// endpointTimeout is how long an endpoint may take to answer a post.
const endpointTimeout = 3 * time.Second

// maxAnswer is how many bytes of an answer's body are read. A body that is read to its end lets the
// TCP connection be used again.
const maxAnswer = 4 << 10

// Deliverer sends webhook events to endpoints. It is safe for concurrent use.
type Deliverer struct {
	Apps     Apps
	Bus      Bus
	Client   *http.Client  // NewClient's
	Patience time.Duration // how long an endpoint may take to answer; 3 s if 0
	Attempts int           // how often a delivery is received before it is a dead letter
	Log      *slog.Logger

	slow slowEndpoints
}

// Bus is the stack's event bus.
type Bus interface {
	// Put puts an event on the bus that happened at the given time. detail is a JSON object.
	Put(ctx context.Context, detailType string, detail []byte, at time.Time) error
}

// Deliver sends one webhook event to one endpoint. After an error it must be done again, before any
// other delivery to that endpoint about that channel. The delivery is dropped if the app has no
// such webhook any more, or if the webhook no longer wants the event.
func (d *Deliverer) Deliver(ctx context.Context, x state.Delivery) error {
	if x.URL == "" {
		return d.put(ctx, x)
	}
	app, err := d.Apps.ByID(ctx, x.App)
	if err != nil && !errors.Is(err, pusher.ErrNoApp) {
		return err
	}
	i := slices.IndexFunc(app.Webhooks, func(w pusher.Webhook) bool {
		return w.URL == x.URL && w.Wants(x.Event)
	})
	if i < 0 {
		d.Log.InfoContext(ctx, "webhook event dropped: no webhook wants it any more",
			"app", x.App, "channel", x.Event.Channel, "event", x.Event.Name)
		return nil
	}
	endpoint := x.App + "#" + x.URL
	if x.Receives < d.Attempts && d.slow.rests(endpoint) { // the last attempt is always made
		return errResting
	}
	err = d.post(ctx, app, app.Webhooks[i], x)
	d.slow.record(endpoint, errors.Is(err, errSlow))
	return err
}

// Delay returns how long a delivery waits that failed and was received so often: 2, 5, 10, 20, 40,
// 80 and 160 seconds, which is 317 seconds with eight attempts. After the last attempt it is 0,
// because the queue moves the delivery to the dead-letter queue.
func (d *Deliverer) Delay(receives int) time.Duration {
	if receives < 1 || receives >= d.Attempts {
		return 0
	}
	return (5 * time.Second << min(receives-1, maxDoublings) / 2).Truncate(time.Second)
}

// maxDoublings is how often the delay is doubled, if there are more attempts.
const maxDoublings = 8

var (
	errSlow    = errors.New("the endpoint did not answer in time")
	errResting = errors.New("the endpoint did not answer in time lately")
)

// body is the body of a request. It has one event, because Hark does not send events in batches
// (docs/protocol.md §6.3).
type body struct {
	At     int64                 `json:"time_ms"`
	Events []pusher.WebhookEvent `json:"events"`
}

// post sends the request of docs/protocol.md §6.1. Its errors do not contain the URL, which may
// have a secret in it.
func (d *Deliverer) post(
	ctx context.Context, app pusher.App, w pusher.Webhook, x state.Delivery,
) error {
	text, err := pusher.EncodeJSON(body{x.At, []pusher.WebhookEvent{x.Event}})
	if err != nil {
		return fmt.Errorf("encode webhook event: %w", err)
	}
	limited, cancel := context.WithTimeout(ctx, d.patience())
	defer cancel()
	r, err := http.NewRequestWithContext(limited, http.MethodPost, w.URL, bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("post webhook event: %w", withoutURL(err))
	}
	for name, value := range w.Headers {
		r.Header.Set(name, value)
	}
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", "Hark-Webhooks/1.0")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Pusher-Key", app.Key)
	r.Header.Set("X-Pusher-Signature", app.Sign(string(text)))
	answer, err := d.Client.Do(r)
	switch {
	case err != nil && limited.Err() != nil && ctx.Err() == nil:
		return errSlow
	case err != nil:
		return fmt.Errorf("post webhook event: %w", withoutURL(err))
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer) // only the status counts
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("post webhook event: the endpoint answered %d", answer.StatusCode)
	}
	return nil
}

// put puts the event on the bus, with the details that only the bus is sent.
func (d *Deliverer) put(ctx context.Context, x state.Delivery) error {
	if x.SocketID == "" {
		x.SocketID = x.Event.SocketID
	}
	text, err := pusher.EncodeJSON(struct {
		App string `json:"app"`
		pusher.WebhookEvent
		At       int64           `json:"time_ms"`
		SocketID pusher.SocketID `json:"socket_id,omitempty"`
		Lasted   int64           `json:"duration_ms,omitempty"`
	}{x.App, x.Event, x.At, x.SocketID, x.Lasted})
	if err != nil {
		return fmt.Errorf("encode webhook event: %w", err)
	}
	return d.Bus.Put(ctx, x.Event.Name, text, time.UnixMilli(x.At))
}

func (d *Deliverer) patience() time.Duration {
	if d.Patience > 0 {
		return d.Patience
	}
	return endpointTimeout
}

// withoutURL returns an error of net/http without the request's URL.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
