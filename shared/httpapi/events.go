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
	Channels []pusher.Channel `json:"channels"`
}

// batch is the body of POST /apps/{id}/batch_events.
type batch struct {
	Batch []event `json:"batch"`
}

// events publishes one event to many channels (protocol.md §5.3). Everything that can fail is done before anything is queued: a
// publisher that is told of a failure may try again.
func (a *API) events(ctx context.Context, r request) (any, error) {
	var t trigger
	if err := json.Unmarshal(r.body, &t); err != nil {
		return nil, badJSON(err)
	}
	all := t.Channels
	if len(all) == 0 && t.Channel != "" { // channels wins over channel
		all = []pusher.Channel{t.Channel}
	}
	if len(all) > r.app.MaxEventChannels {
		return nil, refuse(http.StatusBadRequest, "Cannot broadcast to more than %d channels at once: there are %d",
			r.app.MaxEventChannels, len(all))
	}
	if err := t.check(r.app.Settings, all...); err != nil {
		return nil, err
	}
	channels := unique(all)
	told, err := a.told(ctx, r.app, channels, t.Info)
	if err != nil {
		return nil, err
	}
	broadcasts := make([]pusher.Broadcast, len(channels))
	for i, ch := range channels {
		broadcasts[i] = t.broadcast(r.app, ch)
	}
	if err := a.Publisher.Publish(ctx, broadcasts...); err != nil {
		return nil, err
	}
	return told, nil
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

// batchEvents publishes several events, each to one channel, all or none (protocol.md §5.4).
func (a *API) batchEvents(ctx context.Context, r request) (any, error) {
	var b batch
	if err := json.Unmarshal(r.body, &b); err != nil {
		return nil, badJSON(err)
	}
	switch n := len(b.Batch); {
	case n == 0:
		return nil, refuse(http.StatusBadRequest, "The batch field is required, a list of 1 to %d events", r.app.MaxBatch)
	case n > r.app.MaxBatch:
		return nil, refuse(http.StatusBadRequest, "Cannot publish more than %d events at once: there are %d", r.app.MaxBatch, n)
	}
	broadcasts, asked := make([]pusher.Broadcast, len(b.Batch)), false
	for i, e := range b.Batch {
		if err := e.check(r.app.Settings, e.channels()...); err != nil {
			return nil, inBatch(i, err)
		}
		broadcasts[i] = e.broadcast(r.app, e.Channel)
		asked = asked || e.Info != ""
	}
	about, err := each(ctx, b.Batch, func(ctx context.Context, e event) (counts, error) {
		return a.counts(ctx, r.app, e.Channel, attributesOf(e.Info).thatApplyTo(e.Channel))
	})
	if err != nil {
		return nil, err
	}
	if err := a.Publisher.Publish(ctx, broadcasts...); err != nil {
		return nil, err
	}
	if !asked {
		return struct{}{}, nil
	}
	return map[string]any{"batch": about}, nil
}

// inBatch says which event of a batch is refused, counted from 0 as in the publisher's list.
func inBatch(i int, err error) error {
	var no *refusal
	if errors.As(err, &no) {
		return refuse(no.status, "batch[%d]: %s", i, no.text)
	}
	return err
}

// badJSON says what is wrong with a body without showing any of it.
func badJSON(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return refuse(http.StatusBadRequest, "The %s field must not be a JSON %s", wrong.Field, wrong.Value)
	}
	return refuse(http.StatusBadRequest, "The body is not a JSON object")
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
