package httpapi

import (
	"context"
	"maps"
	"slices"

	"hark/shared/pusher"
	"hark/shared/state"
)

// users lists the users on a presence channel, each once (docs/protocol.md §5.7). Unknown
// parameters are ignored.
func (a *API) users(ctx context.Context, r request) (any, error) {
	ch := pusher.Channel(r.args[0])
	if err := checkName(ch, r.app.Settings); err != nil {
		return nil, err
	}
	if !ch.Presence() {
		return nil, badRequestf("Users are known of presence channels only, and %.200s is none", ch)
	}
	members, err := a.members(ctx, r.app, ch)
	if err != nil {
		return nil, err
	}
	type user struct {
		ID string `json:"id"`
	}
	out := []user{}
	for _, id := range slices.Sorted(maps.Keys(userIDs(members))) {
		out = append(out, user{id})
	}
	return map[string]any{"users": out}, nil
}

// userIDs returns the set of users in the subscriptions.
func userIDs(members []state.Subscription) map[string]bool {
	ids := make(map[string]bool)
	for _, s := range members {
		ids[s.Member.UserID] = true
	}
	return ids
}
