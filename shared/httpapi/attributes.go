package httpapi

import (
	"context"
	"net/http"
	"strings"

	"golang.org/x/sync/errgroup"

	"hark/shared/pusher"
	"hark/shared/state"
)

// attributes are what info may ask of a channel.
type attributes struct {
	users         bool // user_count: of a presence channel
	subscriptions bool // subscription_count
	cache         bool // of a cache channel
}

// attributesOf reads info, a list with commas. What nobody knows is not an error, as it is none with Reverb.
func attributesOf(info string) attributes {
	var a attributes
	for name := range strings.SplitSeq(info, ",") {
		switch strings.TrimSpace(name) {
		case "user_count":
			a.users = true
		case "subscription_count":
			a.subscriptions = true
		case "cache":
			a.cache = true
		}
	}
	return a
}

// thatApplyTo leaves what the answer to a publish tells of a channel: how many users of a presence channel, how many subscriptions
// of others (docs/protocol.md §5.3).
func (a attributes) thatApplyTo(ch pusher.Channel) attributes {
	return attributes{users: a.users && ch.Presence(), subscriptions: a.subscriptions && !ch.Presence()}
}

// check refuses what a channel does not have (docs/protocol.md §5.6). A presence channel has both counts, as in Pusher's sample.
func (a attributes) check(ch pusher.Channel) error {
	switch {
	case a.users && !ch.Presence():
		return pusher.HTTPErrorf(http.StatusBadRequest, "user_count is known of presence channels only, and %.200s is none", ch)
	case a.cache && !ch.Cache():
		return pusher.HTTPErrorf(http.StatusBadRequest, "cache is known of cache channels only, and %.200s is none", ch)
	}
	return nil
}

// counts are numbers about one channel, by their names in JSON.
type counts map[string]int

// Their names.
const (
	userCount         = "user_count"
	subscriptionCount = "subscription_count"
)

// counts reads the numbers that are asked of a channel: 0 for one that is empty.
func (a *API) counts(ctx context.Context, app pusher.App, ch pusher.Channel, asked attributes) (counts, error) {
	out := counts{}
	if asked.users {
		members, err := a.members(ctx, app, ch)
		if err != nil {
			return nil, err
		}
		out[userCount] = len(userIDs(members))
		if asked.subscriptions {
			out[subscriptionCount] = len(members)
		}
		return out, nil
	}
	if asked.subscriptions {
		n, err := a.State.Count(ctx, app.ID, ch, a.now())
		if err != nil {
			return nil, err
		}
		out[subscriptionCount] = n
	}
	return out, nil
}

// members are the subscriptions to a presence channel that have not expired.
func (a *API) members(ctx context.Context, app pusher.App, ch pusher.Channel) ([]state.Subscription, error) {
	all, err := a.State.Members(ctx, app.ID, ch)
	if err != nil {
		return nil, err
	}
	now, live := a.now(), all[:0]
	for _, s := range all {
		if s.ConnectedAt.Add(state.RowLife).After(now) {
			live = append(live, s)
		}
	}
	return live, nil
}

// atOnce is how many reads and posts of one request run at a time.
const atOnce = 16

// each does something with every item, several at a time, and returns what came out in the items' order, or the first error.
func each[T, R any](ctx context.Context, items []T, do func(context.Context, T) (R, error)) ([]R, error) {
	out := make([]R, len(items))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i, item := range items {
		g.Go(func() (err error) {
			out[i], err = do(ctx, item)
			return err
		})
	}
	return out, g.Wait()
}
