package membership

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"hark/shared/pusher"
	"hark/shared/state"
)

// A user's watchers are sent when the user comes online and when it goes offline. These steps were
// model-checked too (package model). One status is kept for all watchers of a user, and each new
// watcher is sent a first status by its own sign-in; simpler steps leave a watcher with a wrong
// one.

// Statuses are what the watchers of users were last sent.
type Statuses interface {
	// User reports whether any connection is signed in as the user, and the status last sent.
	User(ctx context.Context, app, user string) (online bool, sent state.UserStatus, err error)
	// SetUserStatus writes the status.
	SetUserStatus(
		ctx context.Context, app, user string, status state.UserStatus, now time.Time,
	) error
	// Watchers returns the connections that watch the user and had not expired at now: at most
	// limit, all if limit is 0.
	Watchers(
		ctx context.Context, app, user string, now time.Time, limit int,
	) ([]state.Subscription, error)
}

// lookups is how many users of a watchlist are read at once.
const lookups = 16

// queueStatus has the consumer send the user's watchers its status, if it has any. A watcher writes
// its row before it reads the user; the user's row is written or removed before this reads the
// watchers. So at least one of two that race sees the other.
func (m *Membership) queueStatus(ctx context.Context, app, user string) error {
	watchers, err := m.Statuses.Watchers(ctx, app, user, m.now(), 1)
	if err != nil || len(watchers) == 0 {
		return err
	}
	return m.Queue.Publish(ctx, state.Watch{App: app, Channel: pusher.UserChannel(user)})
}

// SendStatus sends a user's watchers whether the user is online. It compares the user's rows with
// the status that was last sent, so that it does not matter how often or how late it is called. It
// sends offline every time: a function may have died between writing the status and posting it.
func (m *ConsumerSteps) SendStatus(ctx context.Context, w state.Watch) error {
	user := w.Channel.User()
	for {
		online, sent, err := m.Statuses.User(ctx, w.App, user)
		if err != nil {
			return err
		}
		if online && sent == state.StatusOnline {
			if w.Connection == "" || w.Online {
				return nil
			}
			// The new watcher was sent offline by its own sign-in.
			return m.sendOrClose(ctx, w.Connection, pusher.WatchlistEvents([]string{user}, nil))
		}
		if err := m.postStatus(ctx, w, online, sent); err != nil {
			return err
		}
		now, _, err := m.Statuses.User(ctx, w.App, user)
		if err != nil || now == online {
			return err
		}
	}
}

// postStatus posts a status to all watchers. It writes the status first: a connection that begins
// to watch meanwhile compares it with what its own sign-in sent.
func (m *ConsumerSteps) postStatus(
	ctx context.Context, w state.Watch, online bool, sent state.UserStatus,
) error {
	user := w.Channel.User()
	status, frame := state.StatusOffline, pusher.WatchlistEvents(nil, []string{user})
	if online {
		status, frame = state.StatusComingOnline, pusher.WatchlistEvents([]string{user}, nil)
	}
	if sent != status {
		if err := m.Statuses.SetUserStatus(ctx, w.App, user, status, m.now()); err != nil {
			return err
		}
	}
	watchers, err := m.Statuses.Watchers(ctx, w.App, user, m.now(), 0)
	if err != nil {
		return err
	}
	for i := range watchers {
		watchers[i].Member.UserID = user // the watched user: forget needs it
	}
	// The watcher that asked has this status already, and no watcher was sent another one since.
	if sent == state.StatusUnknown && w.Online == online {
		watchers = slices.DeleteFunc(watchers, func(s state.Subscription) bool {
			return s.Connection == w.Connection
		})
	}
	if err := m.Fanout.Post(ctx, watchers, frame); err != nil || !online {
		return err
	}
	return m.Statuses.SetUserStatus(ctx, w.App, user, state.StatusOnline, m.now())
}

// sendWatchlist sends a new watcher which of its users are online. A change may have been sent
// before that. Where the status that is kept is not what this watcher was sent, the consumer sends
// it again.
func (m *Membership) sendWatchlist(
	ctx context.Context, c state.Connection, users []string,
) error {
	if len(users) == 0 {
		return nil
	}
	first, err := m.users(ctx, c.App, users)
	if err != nil {
		return err
	}
	var online, offline []string
	for _, user := range users {
		if first[user].online {
			online = append(online, user)
		} else {
			offline = append(offline, user)
		}
	}
	if err := m.sendOrClose(ctx, c.ID, pusher.WatchlistEvents(online, offline)); err != nil {
		return err
	}
	kept, err := m.users(ctx, c.App, users)
	if err != nil {
		return err
	}
	var repeats []state.Broadcast
	for _, user := range users {
		if was := first[user].online; kept[user].sent.Online() != was {
			repeats = append(repeats, state.Watch{
				App: c.App, Channel: pusher.UserChannel(user), Connection: c.ID, Online: was,
			})
		}
	}
	if len(repeats) == 0 {
		return nil
	}
	return m.Queue.Publish(ctx, repeats...)
}

// watched is a user as its rows say.
type watched struct {
	online bool
	sent   state.UserStatus
}

// users reads users, lookups of them at once.
func (m *Membership) users(
	ctx context.Context, app string, users []string,
) (map[string]watched, error) {
	all := make(map[string]watched, len(users))
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lookups)
	for _, user := range users {
		group.Go(func() error {
			online, sent, err := m.Statuses.User(ctx, app, user)
			mu.Lock()
			defer mu.Unlock()
			all[user] = watched{online, sent}
			return err
		})
	}
	return all, group.Wait()
}
