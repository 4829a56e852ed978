package httpapi

import (
	"context"
	"encoding/json"
	"errors"

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

// events publishes one event to one or more channels (docs/protocol.md §5.3). It does everything
// that can fail before it queues anything: a publisher that gets an error may repeat the request.
func (a *API) events(ctx context.Context, r request) (any, error) {
	t, err := readTrigger(r.app, r.body)
	if err != nil {
		return nil, err
	}
	key, err := r.key(t.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	answer, err := a.answerInfo(ctx, r.app, t.Channels, t.Info)
	if err != nil {
		return nil, err
	}
	return a.publish(ctx, r.app, key, t.events(), answer)
}

// Trigger publishes an event by the rules of POST /apps/{id}/events, whose body it takes, for
// publishers that need no signature. It ignores info. If the event is refused, it fails with the
// *pusher.HTTPError that would answer the request.
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
	return a.Publisher.Publish(ctx, messages(app, key, t.events())...)
}

// readTrigger reads an event that the app may publish to all of its Channels, each of which it
// lists once.
func readTrigger(app pusher.App, body []byte) (trigger, error) {
	var t trigger
	if err := json.Unmarshal(body, &t); err != nil {
		return t, invalidJSON(err)
	}
	if len(t.Channels) == 0 && t.Channel != "" { // channels wins over channel
		t.Channels = []pusher.Channel{t.Channel}
	}
	if n := len(t.Channels); n > app.MaxEventChannels {
		return t, badRequestf("Cannot broadcast to more than %d channels at once: there are %d",
			app.MaxEventChannels, n)
	}
	if err := t.check(app.Settings, t.Channels...); err != nil {
		return t, err
	}
	t.Channels = unique(t.Channels)
	return t, nil
}

// events returns the event once for each channel.
func (t trigger) events() []event {
	events := make([]event, len(t.Channels))
	for i, ch := range t.Channels {
		events[i] = t.event
		events[i].Channel = ch
	}
	return events
}

// answerInfo returns the answer to a publish: the attributes of its channels that info asks for, {}
// if it asks for none.
func (a *API) answerInfo(
	ctx context.Context, app pusher.App, channels []pusher.Channel, info string,
) (any, error) {
	if info == "" {
		return struct{}{}, nil
	}
	all, err := concurrently(ctx, channels,
		func(ctx context.Context, ch pusher.Channel) (counts, error) {
			return a.counts(ctx, app, ch, parseInfo(info).inPublish(ch))
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
		return nil, invalidJSON(err)
	}
	key, err := r.key(b.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	switch n := len(b.Batch); {
	case n == 0:
		return nil, badRequestf(
			"The batch field is required, a list of 1 to %d events", r.app.MaxBatch)
	case n > r.app.MaxBatch:
		return nil, badRequestf(
			"Cannot publish more than %d events at once: there are %d", r.app.MaxBatch, n)
	}
	anyInfo := false
	for i, e := range b.Batch {
		if err := e.check(r.app.Settings, e.channels()...); err != nil {
			return nil, inBatch(i, err)
		}
		anyInfo = anyInfo || e.Info != ""
	}
	all, err := concurrently(ctx, b.Batch, func(ctx context.Context, e event) (counts, error) {
		return a.counts(ctx, r.app, e.Channel, parseInfo(e.Info).inPublish(e.Channel))
	})
	if err != nil {
		return nil, err
	}
	var answer any = struct{}{}
	if anyInfo {
		answer = map[string]any{"batch": all}
	}
	return a.publish(ctx, r.app, key, b.Batch, answer)
}

// inBatch adds to a refusal which event of a batch it is about, counted from 0.
func inBatch(i int, err error) error {
	var refusal *pusher.HTTPError
	if errors.As(err, &refusal) {
		return pusher.HTTPErrorf(refusal.Status, "batch[%d]: %s", i, refusal.Message)
	}
	return err
}

// unique returns the channels in their order, each once.
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
