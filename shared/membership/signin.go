package membership

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"hark/shared/pusher"
	"hark/shared/state"
)

// SignIns are the rows of signed-in connections and of the users that they watch.
type SignIns interface {
	// PutUser writes that the connection is signed in as c.User and watches these users, in place
	// of an earlier row.
	PutUser(ctx context.Context, c state.Connection, watchlist []string) error
	// Watchlist returns the users that the connection watches.
	Watchlist(ctx context.Context, app, user string, id pusher.ConnectionID) ([]string, error)
	// TakeUser removes the row of the connection and user; found reports whether there was one.
	TakeUser(ctx context.Context, app, user string, id pusher.ConnectionID) (found bool, err error)
	// Watch writes that the connection watches these users.
	Watch(ctx context.Context, c state.Connection, users []string) error
	// Unwatch removes what Watch wrote.
	Unwatch(ctx context.Context, app string, id pusher.ConnectionID, users []string) error
}

// SignIn signs the connection in as the user and sends it signin_success. It fails with a
// *pusher.Error if the connection is signed in as another user. The order of its steps is that of a
// subscribe (docs/steps.md §3): the connection first, then the row, then the connection again.
func (m *Membership) SignIn(
	ctx context.Context, app pusher.App, c state.Connection, u pusher.User, userData string,
) error {
	again := c.User == u.ID
	if err := m.Leases.PutLease(ctx, c.ID, m.nextLease(c.ConnectedAt)); err != nil {
		return err
	}
	ok, err := m.Connections.SignIn(ctx, c.ID, u)
	if err != nil {
		return err
	}
	if !ok {
		return m.refuseSignIn(ctx, c.ID, u)
	}
	c.User, c.UserInfo = u.ID, u.Info
	if !app.Watchlist {
		u.Watchlist = nil
	}
	if again {
		done, err := m.repeated(ctx, c, u)
		if err != nil {
			return err
		}
		if done {
			return m.sendOrClose(ctx, c.ID, pusher.SignedIn(userData))
		}
	}
	gone, err := m.putSignIn(ctx, c, u)
	if err != nil || gone {
		return err
	}
	if err := m.sendOrClose(ctx, c.ID, pusher.SignedIn(userData)); err != nil {
		return err
	}
	if err := m.queueStatus(ctx, c.App, c.User); err != nil {
		return err
	}
	return m.sendWatchlist(ctx, c, u.Watchlist)
}

// putSignIn writes the rows of a sign-in and removes them again if the connection ended meanwhile.
func (m *Membership) putSignIn(
	ctx context.Context, c state.Connection, u pusher.User,
) (gone bool, err error) {
	// The watched users come before the row that lists them, or no row would lead to them if this
	// died.
	if err := m.SignIns.Watch(ctx, c, u.Watchlist); err != nil {
		return false, err
	}
	if err := m.SignIns.PutUser(ctx, c, u.Watchlist); err != nil {
		return false, err
	}
	now, err := m.Connections.Connection(ctx, c.ID)
	if errors.Is(err, state.ErrGone) || err == nil && now.Dead {
		_, err := m.signOut(ctx, c.App, c.User, c.ID)
		return true, err
	}
	return false, err
}

// repeated reports whether the same sign-in was done before. It removes the users that an earlier
// sign-in watched and this one does not.
func (m *Membership) repeated(
	ctx context.Context, c state.Connection, u pusher.User,
) (done bool, err error) {
	watched, err := m.SignIns.Watchlist(ctx, c.App, c.User, c.ID)
	if err != nil || len(watched) == 0 {
		return false, err
	}
	dropped := slices.DeleteFunc(slices.Clone(watched), func(user string) bool {
		return slices.Contains(u.Watchlist, user)
	})
	same := len(dropped) == 0 && len(watched) == len(u.Watchlist)
	return same, m.SignIns.Unwatch(ctx, c.App, c.ID, dropped)
}

// refuseSignIn says why: the connection is gone, or another user is signed in on it.
func (m *Membership) refuseSignIn(
	ctx context.Context, id pusher.ConnectionID, u pusher.User,
) error {
	now, err := m.Connection(ctx, id)
	if err != nil {
		return err
	}
	return pusher.Errorf(pusher.CodeUnauthorized,
		"Cannot sign in as %s: the connection is signed in as %s", u.ID, now.User)
}

// SubscribeUser answers the frame with which pusher-js asks for the events of the user that it has
// signed in as. They are posted to every connection of the user, so there is no row to write
// (docs/protocol.md §3.11).
func (m *Membership) SubscribeUser(
	ctx context.Context, c state.Connection, ch pusher.Channel,
) error {
	if ch.User() != c.User {
		return pusher.Errorf(pusher.CodeUnauthorized,
			"The channel %.200s is only for connections that are signed in as that user", ch)
	}
	err := m.Gateway.Post(ctx, c.ID, pusher.Succeeded(ch))
	if errors.Is(err, state.ErrGone) {
		// If the answer is wrong, the client would wait for the frame for ever. It must come back.
		return m.Gateway.Close(ctx, c.ID)
	}
	if err != nil {
		return fmt.Errorf("send %s that it is subscribed to %s: %w", c.ID, ch, err)
	}
	return nil
}

// signOut removes the rows of a signed-in connection; found reports whether there was one. The
// watchers are sent the status in any case: a function that removed the row before may have died.
func (m *Membership) signOut(
	ctx context.Context, app, user string, id pusher.ConnectionID,
) (found bool, err error) {
	watched, err := m.SignIns.Watchlist(ctx, app, user, id)
	if err != nil {
		return false, err
	}
	if err := m.SignIns.Unwatch(ctx, app, id, watched); err != nil {
		return false, err
	}
	if found, err = m.SignIns.TakeUser(ctx, app, user, id); err != nil {
		return found, err
	}
	return found, m.queueStatus(ctx, app, user)
}
