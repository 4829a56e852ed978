package membership

import (
	"context"
	"errors"
	"slices"

	"hark/shared/pusher"
)

// SignIn signs the connection in as the user, and tells it so. It fails with a *pusher.Error if somebody else is signed in on it. The
// order is that of a subscribe (model.md §3): the connection first, then the row, then a look at the connection again.
func (m *Membership) SignIn(ctx context.Context, app pusher.App, c pusher.Connection, u pusher.User, userData string) error {
	again := c.User == u.ID
	if err := m.Store.PutLease(ctx, c.ID, m.lookAgain(c.ConnectedAt)); err != nil {
		return err
	}
	ok, err := m.Store.SignIn(ctx, c.ID, u)
	if err != nil {
		return err
	}
	if !ok {
		return m.notSignedIn(ctx, c.ID, u)
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
			return m.tell(ctx, c.ID, pusher.SignedIn(userData))
		}
	}
	if err := m.Store.Watch(ctx, c, u.Watchlist); err != nil { // before the row that knows of it, or nobody would remove it
		return err
	}
	if err := m.Store.PutUser(ctx, c, u.Watchlist); err != nil {
		return err
	}
	now, err := m.Store.Connection(ctx, c.ID)
	if errors.Is(err, pusher.ErrGone) || err == nil && now.Dead {
		_, err := m.signOut(ctx, c.App, c.User, c.ID)
		return err
	}
	if err != nil {
		return err
	}
	if err := m.tell(ctx, c.ID, pusher.SignedIn(userData)); err != nil {
		return err
	}
	if err := m.userChanged(ctx, c.App, c.User); err != nil {
		return err
	}
	return m.tellWatched(ctx, c, u.Watchlist)
}

// repeated reports whether a sign-in has been done before, as it is. What an earlier one watched and this one does not is watched no more.
func (m *Membership) repeated(ctx context.Context, c pusher.Connection, u pusher.User) (done bool, err error) {
	watched, err := m.Store.Watchlist(ctx, c.App, c.User, c.ID)
	if err != nil || len(watched) == 0 {
		return false, err
	}
	dropped := slices.DeleteFunc(slices.Clone(watched), func(user string) bool { return slices.Contains(u.Watchlist, user) })
	return len(dropped) == 0 && len(watched) == len(u.Watchlist), m.Store.Unwatch(ctx, c.App, c.ID, dropped)
}

// notSignedIn says why: the connection has gone, or somebody else is signed in on it.
func (m *Membership) notSignedIn(ctx context.Context, id pusher.ConnectionID, u pusher.User) error {
	now, err := m.Connection(ctx, id)
	if err != nil {
		return err
	}
	return pusher.Errorf(pusher.CodeUnauthorized, "Cannot sign in as %s: the connection is signed in as %s", u.ID, now.User)
}

// signOut removes what a signed-in connection watched and its row; found tells whether there was one. What was removed before may not
// have been told, so the watchers are in any case.
func (m *Membership) signOut(ctx context.Context, app, user string, id pusher.ConnectionID) (found bool, err error) {
	watched, err := m.Store.Watchlist(ctx, app, user, id)
	if err != nil {
		return false, err
	}
	if err := m.Store.Unwatch(ctx, app, id, watched); err != nil {
		return false, err
	}
	if found, err = m.Store.TakeUser(ctx, app, user, id); err != nil {
		return found, err
	}
	return found, m.userChanged(ctx, app, user)
}
