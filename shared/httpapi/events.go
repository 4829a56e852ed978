package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"hark/shared/pusher"
)

// trigger is the body of POST /apps/{id}/events.
type trigger struct {
	event
	Channels       []pusher.Channel `json:"channels"`
	IdempotencyKey *string          `json:"idempotency_key"`
}

// batch is the body of POST /apps/{id}/batch_events.
type batch struct {
	Batch          []event `json:"batch"`
	IdempotencyKey *string `json:"idempotency_key"`
}

// events publishes one event to many channels (docs/protocol.md §5.3). Everything that can fail is done before anything is queued: a
// publisher that is told of a failure may try again.
func (a *API) events(ctx context.Context, r request) (any, error) {
	t, err := readTrigger(r.app, r.body)
	if err != nil {
		return nil, err
	}
	key, err := r.key(t.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	told, err := a.told(ctx, r.app, t.Channels, t.Info)
	if err != nil {
		return nil, err
	}
	return a.publish(ctx, r.app, key, t.events(), told)
}

// Trigger publishes an event to many channels by the rules of POST /apps/{id}/events, whose body it takes, for somebody who needs no
// signature. It fails with a *pusher.Error if the event is refused: its code is the status and its message the text that the request
// would be answered with. Nobody is told what info asks for.
func (a *API) Trigger(ctx context.Context, id string, body []byte) error {
	app, err := a.app(ctx, id)
	if err != nil {
		return err
	}
	t, err := readTrigger(app, body)
	if err != nil {
		return err
	}
	key, err := request{}.key(t.IdempotencyKey)
	if err != nil {
		return err
	}
	return a.Publisher.Publish(ctx, broadcasts(app, key, t.events())...)
}

// readTrigger reads an event that the app may publish to all of its Channels, each of which is named once.
func readTrigger(app pusher.App, body []byte) (trigger, error) {
	var t trigger
	if err := json.Unmarshal(body, &t); err != nil {
		return t, badJSON(err)
	}
	if len(t.Channels) == 0 && t.Channel != "" { // channels wins over channel
		t.Channels = []pusher.Channel{t.Channel}
	}
	if n := len(t.Channels); n > app.MaxEventChannels {
		return t, pusher.HTTPErrorf(http.StatusBadRequest, "Cannot broadcast to more than %d channels at once: there are %d", app.MaxEventChannels, n)
	}
	if err := t.check(app.Settings, t.Channels...); err != nil {
		return t, err
	}
	t.Channels = unique(t.Channels)
	return t, nil
}

// events is the event once for each channel.
func (t trigger) events() []event {
	events := make([]event, len(t.Channels))
	for i, ch := range t.Channels {
		events[i] = t.event
		events[i].Channel = ch
	}
	return events
}

// told is what the publisher asked about the channels: {} if nothing.
func (a *API) told(ctx context.Context, app pusher.App, channels []pusher.Channel, info string) (any, error) {
	if info == "" {
		return struct{}{}, nil
	}
	all, err := each(ctx, channels, func(ctx context.Context, ch pusher.Channel) (counts, error) {
		return a.counts(ctx, app, ch, attributesOf(info).thatApplyTo(ch))
	})
	if err != nil {
		return nil, err
	}
	out := make(map[pusher.Channel]counts, len(channels))
	for i, ch := range channels {
		out[ch] = all[i]
	}
	return map[string]any{"channels": out}, nil
}

// batchEvents publishes several events, each to one channel, all or none (docs/protocol.md §5.4).
func (a *API) batchEvents(ctx context.Context, r request) (any, error) {
	var b batch
	if err := json.Unmarshal(r.body, &b); err != nil {
		return nil, badJSON(err)
	}
	key, err := r.key(b.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	switch n := len(b.Batch); {
	case n == 0:
		return nil, pusher.HTTPErrorf(http.StatusBadRequest, "The batch field is required, a list of 1 to %d events", r.app.MaxBatch)
	case n > r.app.MaxBatch:
		return nil, pusher.HTTPErrorf(http.StatusBadRequest, "Cannot publish more than %d events at once: there are %d", r.app.MaxBatch, n)
	}
	asked := false
	for i, e := range b.Batch {
		if err := e.check(r.app.Settings, e.channels()...); err != nil {
			return nil, inBatch(i, err)
		}
		asked = asked || e.Info != ""
	}
	about, err := each(ctx, b.Batch, func(ctx context.Context, e event) (counts, error) {
		return a.counts(ctx, r.app, e.Channel, attributesOf(e.Info).thatApplyTo(e.Channel))
	})
	if err != nil {
		return nil, err
	}
	var told any = struct{}{}
	if asked {
		told = map[string]any{"batch": about}
	}
	return a.publish(ctx, r.app, key, b.Batch, told)
}

// inBatch says which event of a batch is refused, counted from 0 as in the publisher's list.
func inBatch(i int, err error) error {
	var refusal *pusher.HTTPError
	if errors.As(err, &refusal) {
		return pusher.HTTPErrorf(refusal.Status, "batch[%d]: %s", i, refusal.Message)
	}
	return err
}

// badJSON says what is wrong with a body without showing any of it.
func badJSON(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return pusher.HTTPErrorf(http.StatusBadRequest, "The %s field must not be a JSON %s", wrong.Field, wrong.Value)
	}
	return pusher.HTTPErrorf(http.StatusBadRequest, "The body is not a JSON object")
}

// unique are the channels in their order, each once.
func unique(all []pusher.Channel) []pusher.Channel {
	seen := make(map[pusher.Channel]bool, len(all))
	var out []pusher.Channel
	for _, ch := range all {
		if !seen[ch] {
			seen[ch] = true
			out = append(out, ch)
		}
	}
	return out
}
