package webhook

import (
	"bytes"
	"context"
	"encoding/json"
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

// patience is how long an endpoint may take to answer.
const patience = 3 * time.Second

// maxAnswer is how much of an answer's body is read, so that the connection can be used again.
const maxAnswer = 4 << 10

// Deliverer tells endpoints what is queued for them. It is safe for concurrent use.
type Deliverer struct {
	Apps     Apps
	Bus      Bus
	Client   *http.Client  // NewClient's
	Patience time.Duration // how long an endpoint may take to answer; 3 s if 0
	Attempts int           // how often a delivery is handed out before it goes to the dead letters
	Log      *slog.Logger

	resting resting
}

// Bus is the stack's event bus.
type Bus interface {
	// Put puts an event of that detail-type, as of then.
	Put(ctx context.Context, detailType string, detail []byte, at time.Time) error
}

// Deliver tells one endpoint of one notice. After an error it must be done again, before anything else to that endpoint about that
// channel. A delivery to a webhook that the app does not have any more, or that no longer wants it, is dropped.
func (d *Deliverer) Deliver(ctx context.Context, x state.Delivery) error {
	if x.URL == "" {
		return d.put(ctx, x)
	}
	app, err := d.Apps.ByID(ctx, x.App)
	if err != nil && !errors.Is(err, pusher.ErrNoApp) {
		return err
	}
	i := slices.IndexFunc(app.Webhooks, func(w pusher.Webhook) bool { return w.URL == x.URL && w.Wants(x.Event) })
	if i < 0 {
		d.Log.InfoContext(ctx, "notice dropped: nobody wants it any more", "app", x.App, "channel", x.Event.Channel, "notice", x.Event.Name)
		return nil
	}
	endpoint := x.App + "#" + x.URL
	if x.Receives < d.Attempts && d.resting.now(endpoint) { // the last time it is tried in any case
		return errResting
	}
	err = d.post(ctx, app, app.Webhooks[i], x)
	d.resting.note(endpoint, errors.Is(err, errSlow))
	return err
}

// Delay is when a delivery that failed is due again, having been handed out so often: after 2 seconds, 5, 10, 20, 40, 80 and 160, which
// with eight attempts are five minutes and a bit. The last time it is due at once, for the dead letters.
func (d *Deliverer) Delay(receives int) time.Duration {
	if receives < 1 || receives >= d.Attempts {
		return 0
	}
	return (5 * time.Second << min(receives-1, mostDoubled) / 2).Truncate(time.Second)
}

// mostDoubled is how often the delay is doubled, should there be more attempts.
const mostDoubled = 8

var (
	errSlow    = errors.New("the endpoint did not answer in time")
	errResting = errors.New("the endpoint did not answer in time lately")
)

// body is what Pusher posts: one event in each request, since batching is off (docs/protocol.md §6.3).
type body struct {
	At     int64                 `json:"time_ms"`
	Events []pusher.WebhookEvent `json:"events"`
}

// post sends the request of docs/protocol.md §6.1. Its errors do not show the URL, which may hold a secret.
func (d *Deliverer) post(ctx context.Context, app pusher.App, w pusher.Webhook, x state.Delivery) error {
	text, err := encode(body{x.At, []pusher.WebhookEvent{x.Event}})
	if err != nil {
		return fmt.Errorf("encode notice: %w", err)
	}
	limited, cancel := context.WithTimeout(ctx, d.patience())
	defer cancel()
	r, err := http.NewRequestWithContext(limited, http.MethodPost, w.URL, bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("post notice: %w", bare(err))
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
		return fmt.Errorf("post notice: %w", bare(err))
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer) // what counts is the status
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("post notice: the endpoint answered %d", answer.StatusCode)
	}
	return nil
}

// put sends the notice to the bus, with what only the bus is told.
func (d *Deliverer) put(ctx context.Context, x state.Delivery) error {
	if x.SocketID == "" {
		x.SocketID = x.Event.SocketID
	}
	text, err := encode(struct {
		App string `json:"app"`
		pusher.WebhookEvent
		At       int64           `json:"time_ms"`
		SocketID pusher.SocketID `json:"socket_id,omitempty"`
		Lasted   int64           `json:"duration_ms,omitempty"`
	}{x.App, x.Event, x.At, x.SocketID, x.Lasted})
	if err != nil {
		return fmt.Errorf("encode notice: %w", err)
	}
	return d.Bus.Put(ctx, x.Event.Name, text, time.UnixMilli(x.At))
}

func (d *Deliverer) patience() time.Duration {
	if d.Patience > 0 {
		return d.Patience
	}
	return patience
}

// encode leaves texts as they are: json.Marshal would put HTML's escapes into them.
func encode(v any) ([]byte, error) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), err
}

// bare is an error of net/http without the URL.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
