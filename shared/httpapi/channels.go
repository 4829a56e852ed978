package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

// channels lists the occupied channels (docs/protocol.md §5.5).
func (a *API) channels(ctx context.Context, r request) (any, error) {
	prefix, asked := r.params["filter_by_prefix"], attributesOf(r.params["info"])
	switch {
	case asked.users && !strings.HasPrefix(prefix, "presence-"):
		return nil, pusher.HTTPErrorf(http.StatusBadRequest,
			"user_count is known of presence channels only: filter_by_prefix must begin with presence-, and is %.60q", prefix)
	case asked.cache:
		return nil, pusher.HTTPErrorf(http.StatusBadRequest, "cache is known of one channel at a time: ask for /channels/{name}?info=cache")
	}
	occupied, err := a.State.Channels(ctx, r.app.ID, prefix)
	if err != nil {
		return nil, err
	}
	all, err := each(ctx, occupied, func(ctx context.Context, ch pusher.Channel) (counts, error) {
		return a.counts(ctx, r.app, ch, asked)
	})
	if err != nil {
		return nil, err
	}
	out := make(map[pusher.Channel]counts, len(occupied))
	for i, ch := range occupied {
		if !all[i].none() { // or it has emptied meanwhile
			out[ch] = all[i]
		}
	}
	return map[string]any{"channels": out}, nil
}

// none reports that a number was asked for and is 0.
func (c counts) none() bool {
	for _, n := range c {
		if n == 0 {
			return true
		}
	}
	return false
}

// channel tells about one channel, whether or not anybody is there (docs/protocol.md §5.6).
func (a *API) channel(ctx context.Context, r request) (any, error) {
	ch, asked := pusher.Channel(r.args[0]), attributesOf(r.params["info"])
	if err := checkName(ch, r.app.Settings); err != nil {
		return nil, err
	}
	if err := asked.check(ch); err != nil {
		return nil, err
	}
	numbers, err := a.counts(ctx, r.app, ch, asked)
	if err != nil {
		return nil, err
	}
	out := map[string]any{"occupied": !numbers.none()}
	if len(numbers) == 0 {
		if out["occupied"], err = a.State.Occupied(ctx, r.app.ID, ch); err != nil {
			return nil, err
		}
	}
	for name, n := range numbers {
		out[name] = n
	}
	if asked.cache {
		if out["cache"], err = a.cached(ctx, r.app, ch); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// cachedEvent is a channel's newest event as publishers read it.
type cachedEvent struct {
	Data string `json:"data"`
	TTL  int    `json:"ttl"` // seconds; 1 for the last of them
}

// cached is the channel's newest event, nil if there is none.
func (a *API) cached(ctx context.Context, app pusher.App, ch pusher.Channel) (*cachedEvent, error) {
	c, err := a.State.Cached(ctx, app.ID, ch, a.now())
	if err != nil || c.Frame == nil {
		return nil, err
	}
	out := cachedEvent{TTL: int((c.Left + time.Second - 1) / time.Second)}
	if err := json.Unmarshal(c.Frame, &out); err != nil { // its data, and no ttl
		return nil, fmt.Errorf("read the cached event of %s: %w", ch, err)
	}
	return &out, nil
}

// connections counts the connections that are subscribed to anything (docs/protocol.md §5.10). It reads every subscription of the app.
func (a *API) connections(ctx context.Context, r request) (any, error) {
	occupied, err := a.State.Channels(ctx, r.app.ID, "")
	if err != nil {
		return nil, err
	}
	all, err := each(ctx, occupied, func(ctx context.Context, ch pusher.Channel) ([]pusher.ConnectionID, error) {
		return a.subscribed(ctx, r.app, ch)
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

// subscribed are the connections that are subscribed to a channel, or signed in as a user.
func (a *API) subscribed(ctx context.Context, app pusher.App, ch pusher.Channel) ([]pusher.ConnectionID, error) {
	var ids []pusher.ConnectionID
	err := a.State.Subscribers(ctx, app.ID, ch, a.now(), func(page []state.Subscription) error {
		for _, s := range page {
			ids = append(ids, s.Connection)
		}
		return nil
	})
	return ids, err
}
