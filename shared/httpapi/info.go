package httpapi

import (
	"context"
	"net/http"
	"strings"

	"golang.org/x/sync/errgroup"

	"hark/shared/pusher"
	"hark/shared/state"
)

// attributes are the attributes of a channel that the parameter info asks for.
type attributes struct {
	users         bool // user_count, of presence channels
	subscriptions bool // subscription_count
	cache         bool // of cache channels
}

// parseInfo reads info, a list with commas. Unknown names are ignored, as in Reverb.
func parseInfo(info string) attributes {
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

// inPublish returns the attributes that the answer to a publish has for the channel: user_count if
// it is a presence channel, else subscription_count (docs/protocol.md §5.3).
func (a attributes) inPublish(ch pusher.Channel) attributes {
	return attributes{
		users: a.users && ch.Presence(), subscriptions: a.subscriptions && !ch.Presence(),
	}
}

// check refuses attributes that the channel does not have (docs/protocol.md §5.6). A presence
// channel has both counts, as in Pusher's sample.
func (a attributes) check(ch pusher.Channel) error {
	switch {
	case a.users && !ch.Presence():
		return badRequestf("user_count is known of presence channels only, and %.200s is none", ch)
	case a.cache && !ch.Cache():
		return badRequestf("cache is known of cache channels only, and %.200s is none", ch)
	}
	return nil
}

func badRequestf(format string, args ...any) *pusher.HTTPError {
	return pusher.HTTPErrorf(http.StatusBadRequest, format, args...)
}

// counts are numbers about one channel, by their names in JSON.
type counts map[string]int

// The names of counts.
const (
	userCount         = "user_count"
	subscriptionCount = "subscription_count"
)

// isZero reports whether a count was read and is 0: then the channel is empty.
func (c counts) isZero() bool {
	for _, n := range c {
		if n == 0 {
			return true
		}
	}
	return false
}

// counts reads the numbers that are wanted of a channel. An empty channel has zeros.
func (a *API) counts(
	ctx context.Context, app pusher.App, ch pusher.Channel, want attributes,
) (counts, error) {
	out := counts{}
	if want.users {
		members, err := a.members(ctx, app, ch)
		if err != nil {
			return nil, err
		}
		out[userCount] = len(userIDs(members))
		if want.subscriptions {
			out[subscriptionCount] = len(members)
		}
		return out, nil
	}
	if want.subscriptions {
		n, err := a.State.Count(ctx, app.ID, ch, a.now())
		if err != nil {
			return nil, err
		}
		out[subscriptionCount] = n
	}
	return out, nil
}

// members returns the subscriptions to a presence channel that have not expired.
func (a *API) members(
	ctx context.Context, app pusher.App, ch pusher.Channel,
) ([]state.Subscription, error) {
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

// concurrently calls do for every item, atOnce at a time. It returns the results in the order of
// the items, or the first error.
func concurrently[T, R any](
	ctx context.Context, items []T, do func(context.Context, T) (R, error),
) ([]R, error) {
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
