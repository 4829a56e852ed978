package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"hark/shared/pusher"
	"hark/shared/state"
)

// maxBan is the longest ban, in seconds: a day. An app that bans a user for good must refuse to
// sign for the user.
const maxBan = 24 * 60 * 60

// termination is the body of POST /apps/{id}/users/{user_id}/terminate_connections.
type termination struct {
	BanSeconds *int `json:"ban_seconds"` // Hark's own: how long the user is banned; 0 lifts a ban
}

// terminate ends the connections of a user (docs/protocol.md §5.8). Each is sent an error that says
// why. API Gateway cannot close with a chosen code, so the clients may reconnect (docs/protocol.md
// §10) unless the app bans the user. The ban is written before the connections are read: a
// connection that signs in meanwhile sees the ban or is among those that are read.
func (a *API) terminate(ctx context.Context, r request) (any, error) {
	id := r.args[0]
	if n := utf8.RuneCountInString(id); n > pusher.MaxUserID {
		return nil, badRequestf(
			"User id too long: %d characters, the limit is %d", n, pusher.MaxUserID)
	}
	var body termination
	if len(r.body) > 0 {
		if err := json.Unmarshal(r.body, &body); err != nil {
			return nil, invalidJSON(err)
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

// ban refuses a user's sign-ins and joins for some seconds. Bans make every sign-in and join of the
// app cost more reads, so the app must have enabled them.
func (a *API) ban(ctx context.Context, app pusher.App, user string, seconds int) error {
	switch {
	case !app.Bans:
		return badRequestf("The app bans nobody: its setting bans is false")
	case seconds < 0 || seconds > maxBan:
		return badRequestf(
			"Invalid ban_seconds: it is %d, and must be from 0 to %d", seconds, maxBan)
	}
	until := a.now().Add(time.Duration(seconds) * time.Second)
	return a.State.Ban(ctx, app.ID, user, until)
}

// signedIn returns the connections that are signed in as the user.
func (a *API) signedIn(
	ctx context.Context, app pusher.App, user string,
) ([]pusher.ConnectionID, error) {
	if pusher.ValidateUserID(user) != nil {
		return nil, nil //nolint:nilerr // a member may have the ID, a signed-in user cannot
	}
	return a.subscribers(ctx, app, pusher.UserChannel(user))
}

// present returns the connections that are on any presence channel as the user. It reads all
// presence channels, because no row lists the channels of a user. Such a row would make every
// subscribe more expensive.
func (a *API) present(
	ctx context.Context, app pusher.App, user string,
) ([]pusher.ConnectionID, error) {
	occupied, err := a.State.Channels(ctx, app.ID, "presence-")
	if err != nil {
		return nil, err
	}
	all, err := concurrently(ctx, occupied,
		func(ctx context.Context, ch pusher.Channel) ([]pusher.ConnectionID, error) {
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

// end sends connections the reason and closes them. It tries every connection, and fails if one
// could not be closed: the publisher should repeat the request then.
func (a *API) end(ctx context.Context, connections []pusher.ConnectionID) error {
	frame := pusher.Errorf(pusher.CodeUnauthorized, "You got disconnected by the app.").Frame()
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, id := range connections {
		g.Go(func() error {
			if errors.Is(a.Gateway.Post(ctx, id, frame), state.ErrGone) {
				return nil
			}
			return a.Gateway.Close(ctx, id) // also if the post failed
		})
	}
	return g.Wait()
}
