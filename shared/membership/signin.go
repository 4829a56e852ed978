package membership

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"

	"hark/shared/pusher"
)

// lookups is how many users are looked up at once for a watchlist.
const lookups = 16

// SignIn signs the connection in as the user, and tells it so. It fails with a *pusher.Error if somebody else is signed in on it. The
// order is that of a subscribe (model.md §3): the connection first, then the row, then a look at the connection again.
func (m *Membership) SignIn(ctx context.Context, app pusher.App, c pusher.Connection, u pusher.User, userData string) error {
	if err := m.Store.PutLease(ctx, c.ID, m.lookAgain(c.ConnectedAt)); err != nil {
		return err
	}
	if ok, err := m.Store.SignIn(ctx, c.ID, u); err != nil || !ok {
		return errors.Join(err, m.notSignedIn(ctx, c.ID, u))
	}
	c.User, c.UserInfo = u.ID, u.Info
	if !app.Watchlist {
		u.Watchlist = nil
	}
	if err := m.Store.PutUser(ctx, c, u.Watchlist); err != nil {
		return err
	}
	if err := m.Store.Watch(ctx, c, u.Watchlist); err != nil {
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

// notSignedIn says why: the connection has gone, or somebody else is signed in on it.
func (m *Membership) notSignedIn(ctx context.Context, id pusher.ConnectionID, u pusher.User) error {
	now, err := m.Connection(ctx, id)
	if err != nil {
		return err
	}
	return pusher.Errorf(pusher.CodeUnauthorized, "Cannot sign in as %s: the connection is signed in as %s", u.ID, now.User)
}

// signOut removes the row of a signed-in connection and what it watched; found tells whether there was one.
func (m *Membership) signOut(ctx context.Context, app, user string, id pusher.ConnectionID) (found bool, err error) {
	watched, found, err := m.Store.TakeUser(ctx, app, user, id)
	if err != nil || !found {
		return found, err
	}
	if err := m.Store.Unwatch(ctx, app, id, watched); err != nil {
		return found, err
	}
	return found, m.userChanged(ctx, app, user)
}

// userChanged has a user's watchers told, if it has any. Who watches writes that down before it looks whether the user is there, and
// the user is written or removed before this looks for watchers: at least one of two sees the other.
func (m *Membership) userChanged(ctx context.Context, app, user string) error {
	watchers, err := m.Store.Watchers(ctx, app, user, m.now(), 1)
	if err != nil || len(watchers) == 0 {
		return err
	}
	return m.Queue.Publish(ctx, pusher.Broadcast{Kind: pusher.KindWatch, App: app, Channel: pusher.UserChannel(user)})
}

// tellWatchers is the consumer's part, one at a time for each user: it compares who is there with what was told, so that it does
// not matter how often it is asked, or how late.
func (m *Membership) tellWatchers(ctx context.Context, app, user string) error {
	online, err := m.Store.Online(ctx, app, user)
	if err != nil {
		return err
	}
	told, err := m.Store.ToldOnline(ctx, app, user)
	switch {
	case err != nil:
		return err
	case told && online: // it stays so for as long as the newest sign-in may last
		return m.Store.SetToldOnline(ctx, app, user, online, m.now())
	case told == online:
		return nil
	}
	watchers, err := m.Store.Watchers(ctx, app, user, m.now(), 0)
	if err != nil {
		return err
	}
	frame := pusher.WatchlistEvents([]string{user}, nil)
	if !online {
		frame = pusher.WatchlistEvents(nil, []string{user})
	}
	if err := m.Crowd.Tell(ctx, watchers, frame); err != nil {
		return err
	}
	return m.Store.SetToldOnline(ctx, app, user, online, m.now())
}

// tellWatched tells a client which of the users whom it watches are there. A change may have been told meanwhile, before what was read
// earlier; so it looks again until nothing has changed since what it told last.
func (m *Membership) tellWatched(ctx context.Context, c pusher.Connection, users []string) error {
	told := make(map[string]bool, len(users))
	for first := true; ; first = false {
		there, err := m.online(ctx, c.App, users)
		if err != nil {
			return err
		}
		var online, offline []string
		for _, user := range users {
			switch {
			case !first && there[user] == told[user]:
			case there[user]:
				online = append(online, user)
			default:
				offline = append(offline, user)
			}
		}
		if len(online)+len(offline) == 0 {
			return nil
		}
		if err := m.tell(ctx, c.ID, pusher.WatchlistEvents(online, offline)); err != nil {
			return err
		}
		told = there
	}
}

// online looks users up.
func (m *Membership) online(ctx context.Context, app string, users []string) (map[string]bool, error) {
	there := make(map[string]bool, len(users))
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lookups)
	for _, user := range users {
		group.Go(func() error {
			online, err := m.Store.Online(ctx, app, user)
			mu.Lock()
			defer mu.Unlock()
			there[user] = online
			return err
		})
	}
	return there, group.Wait()
}
