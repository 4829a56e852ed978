package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"hark/shared/pusher"
	"hark/shared/state"
)

// maxBan is the longest ban, in seconds: a day. Who is banned for good is for the app to know, which signs for its users.
const maxBan = 24 * 60 * 60

// termination is the body of POST /apps/{id}/users/{user_id}/terminate_connections.
type termination struct {
	BanSeconds *int `json:"ban_seconds"` // of ours: for how long the user may not come back; 0 lifts a ban
}

// terminate ends the connections of a user (docs/protocol.md §5.8). A gateway closes without a code of ours, so that they may come back
// (docs/protocol.md §10) unless the app bans the user; the error says why they were closed. The ban is written before the connections are
// looked for, so that a sign-in sees the one or is seen by the other.
func (a *API) terminate(ctx context.Context, r request) (any, error) {
	id := r.args[0]
	if n := utf8.RuneCountInString(id); n > pusher.MaxUserID {
		return nil, pusher.HTTPErrorf(http.StatusBadRequest, "User id too long: %d characters, the limit is %d", n, pusher.MaxUserID)
	}
	var body termination
	if len(r.body) > 0 {
		if err := json.Unmarshal(r.body, &body); err != nil {
			return nil, badJSON(err)
		}
	}
	if body.BanSeconds != nil {
		if err := a.ban(ctx, r.app, id, *body.BanSeconds); err != nil {
			return nil, err
		}
	}
	connections, err := a.signedIn(ctx, r.app, id)
	if err != nil {
		return nil, err
	}
	if r.app.TerminateByMembers {
		present, err := a.present(ctx, r.app, id)
		if err != nil {
			return nil, err
		}
		connections = append(connections, present...)
	}
	slices.Sort(connections)
	return struct{}{}, a.end(ctx, slices.Compact(connections))
}

// ban keeps a user away for some seconds. What it costs is paid by every sign-in and join, so that an app must have asked for it.
func (a *API) ban(ctx context.Context, app pusher.App, user string, seconds int) error {
	switch {
	case !app.Bans:
		return pusher.HTTPErrorf(http.StatusBadRequest, "The app bans nobody: its setting bans is false")
	case seconds < 0 || seconds > maxBan:
		return pusher.HTTPErrorf(http.StatusBadRequest, "Invalid ban_seconds: it is %d, and must be from 0 to %d", seconds, maxBan)
	}
	return a.State.Ban(ctx, app.ID, user, a.now().Add(time.Duration(seconds)*time.Second))
}

// signedIn are the connections that are signed in as the user.
func (a *API) signedIn(ctx context.Context, app pusher.App, user string) ([]pusher.ConnectionID, error) {
	if pusher.ValidateUserID(user) != nil {
		return nil, nil //nolint:nilerr // a member may have such an ID, but nobody can sign in by it
	}
	return a.subscribed(ctx, app, pusher.UserChannel(user))
}

// present are the connections that are on any presence channel as the user. No row leads from a user to its channels, so that it
// reads them all: what a kick costs, subscribing does not.
func (a *API) present(ctx context.Context, app pusher.App, user string) ([]pusher.ConnectionID, error) {
	occupied, err := a.State.Channels(ctx, app.ID, "presence-")
	if err != nil {
		return nil, err
	}
	all, err := each(ctx, occupied, func(ctx context.Context, ch pusher.Channel) ([]pusher.ConnectionID, error) {
		members, err := a.members(ctx, app, ch)
		var ids []pusher.ConnectionID
		for _, s := range members {
			if s.Member.UserID == user {
				ids = append(ids, s.Connection)
			}
		}
		return ids, err
	})
	return slices.Concat(all...), err
}

// end closes connections with a reason. One that cannot be closed holds up no other, but the publisher is told to ask again.
func (a *API) end(ctx context.Context, connections []pusher.ConnectionID) error {
	frame := pusher.Errorf(pusher.CodeUnauthorized, "You got disconnected by the app.").Frame()
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, id := range connections {
		g.Go(func() error {
			if errors.Is(a.Gateway.Post(ctx, id, frame), state.ErrGone) {
				return nil
			}
			return a.Gateway.Close(ctx, id) // whether or not it could be told
		})
	}
	return g.Wait()
}
