package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

// channels lists the occupied channels (docs/protocol.md §5.5).
func (a *API) channels(ctx context.Context, r request) (any, error) {
	prefix, want := r.params["filter_by_prefix"], parseInfo(r.params["info"])
	switch {
	case want.users && !strings.HasPrefix(prefix, "presence-"):
		return nil, badRequestf("user_count is known of presence channels only: "+
			"filter_by_prefix must begin with presence-, and is %.60q", prefix)
	case want.cache:
		return nil, badRequestf(
			"cache is known of one channel at a time: ask for /channels/{name}?info=cache")
	}
	occupied, err := a.State.Channels(ctx, r.app.ID, prefix)
	if err != nil {
		return nil, err
	}
	all, err := concurrently(ctx, occupied,
		func(ctx context.Context, ch pusher.Channel) (counts, error) {
			return a.counts(ctx, r.app, ch, want)
		})
	if err != nil {
		return nil, err
	}
	out := make(map[pusher.Channel]counts, len(occupied))
	for i, ch := range occupied {
		if !all[i].isZero() { // it may have emptied since the list was read
			out[ch] = all[i]
		}
	}
	return map[string]any{"channels": out}, nil
}

// channel describes one channel, occupied or not (docs/protocol.md §5.6).
func (a *API) channel(ctx context.Context, r request) (any, error) {
	ch, want := pusher.Channel(r.args[0]), parseInfo(r.params["info"])
	if err := checkName(ch, r.app.Settings); err != nil {
		return nil, err
	}
	if err := want.check(ch); err != nil {
		return nil, err
	}
	numbers, err := a.counts(ctx, r.app, ch, want)
	if err != nil {
		return nil, err
	}
	out := map[string]any{"occupied": !numbers.isZero()}
	if len(numbers) == 0 {
		if out["occupied"], err = a.State.Occupied(ctx, r.app.ID, ch); err != nil {
			return nil, err
		}
	}
	for name, n := range numbers {
		out[name] = n
	}
	if want.cache {
		if out["cache"], err = a.cached(ctx, r.app, ch); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// cachedEvent is a channel's newest event in an answer.
type cachedEvent struct {
	Data string `json:"data"`
	TTL  int    `json:"ttl"` // seconds, rounded up
}

// cached returns the channel's newest event, nil if there is none.
func (a *API) cached(
	ctx context.Context, app pusher.App, ch pusher.Channel,
) (*cachedEvent, error) {
	c, err := a.State.Cached(ctx, app.ID, ch, a.now())
	if err != nil || c.Frame == nil {
		return nil, err
	}
	out := cachedEvent{TTL: int((c.Left + time.Second - 1) / time.Second)}
	if err := json.Unmarshal(c.Frame, &out); err != nil { // a frame has data and no ttl
		return nil, fmt.Errorf("read the cached event of %s: %w", ch, err)
	}
	return &out, nil
}

// connections counts the connections that are subscribed to anything (docs/protocol.md §5.10). It
// reads every subscription of the app.
func (a *API) connections(ctx context.Context, r request) (any, error) {
	occupied, err := a.State.Channels(ctx, r.app.ID, "")
	if err != nil {
		return nil, err
	}
	all, err := concurrently(ctx, occupied,
		func(ctx context.Context, ch pusher.Channel) ([]pusher.ConnectionID, error) {
			return a.subscribers(ctx, r.app, ch)
		})
	if err != nil {
		return nil, err
	}
	distinct := make(map[pusher.ConnectionID]bool)
	for _, id := range slices.Concat(all...) {
		distinct[id] = true
	}
	return map[string]int{"connections": len(distinct)}, nil
}

// subscribers returns the connections that are subscribed to a channel. Those of a user's channel
// are signed in as the user.
func (a *API) subscribers(
	ctx context.Context, app pusher.App, ch pusher.Channel,
) (ids []pusher.ConnectionID, err error) {
	err = a.State.Subscribers(ctx, app.ID, ch, a.now(), func(page []state.Subscription) error {
		for _, s := range page {
			ids = append(ids, s.Connection)
		}
		return nil
	})
	return ids, err
}
