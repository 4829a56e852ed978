package membership

import (
	"context"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"hark/shared/pusher"
)

// Who watches a user hears when it comes online and when it goes. The steps were model-checked (package model): with one word noted for
// all watchers, and a first word that each new watcher is told by its own sign-in, simpler ones leave somebody with a wrong one.

// lookups is how many users are looked up at once for a watchlist.
const lookups = 16

// userChanged has a user's watchers told, if it has any. Who watches writes that down before it looks whether the user is there, and
// the user is written or removed before this looks for watchers: at least one of two sees the other.
func (m *Membership) userChanged(ctx context.Context, app, user string) error {
	watchers, err := m.Store.Watchers(ctx, app, user, m.now(), 1)
	if err != nil || len(watchers) == 0 {
		return err
	}
	return m.Queue.Publish(ctx, pusher.Broadcast{Kind: pusher.KindWatch, App: app, Channel: pusher.UserChannel(user)})
}

// tellWatchers is the consumer's part, one at a time for each user: it compares who is there with the word that was told last, so
// that it does not matter how often it is asked, or how late. An offline is told again whenever it is asked for: a death may have
// come between the note and the posts.
func (m *Membership) tellWatchers(ctx context.Context, b pusher.Broadcast) error {
	user := b.Channel.User()
	for {
		online, told, err := m.Store.User(ctx, b.App, user)
		if err != nil {
			return err
		}
		if online && told == pusher.WordOnline {
			if b.Connection == "" || b.Online {
				return nil
			}
			return m.tell(ctx, b.Connection, pusher.WatchlistEvents([]string{user}, nil)) // it was told otherwise
		}
		if err := m.spread(ctx, b, online, told); err != nil {
			return err
		}
		now, _, err := m.Store.User(ctx, b.App, user)
		if err != nil || now == online {
			return err
		}
	}
}

// spread tells all watchers. It notes the word first: whoever begins to watch meanwhile compares it with what it was told itself.
func (m *Membership) spread(ctx context.Context, b pusher.Broadcast, online bool, told pusher.Word) error {
	user := b.Channel.User()
	word, frame := pusher.WordOffline, pusher.WatchlistEvents(nil, []string{user})
	if online {
		word, frame = pusher.WordComing, pusher.WatchlistEvents([]string{user}, nil)
	}
	if told != word {
		if err := m.Store.SetWord(ctx, b.App, user, word, m.now()); err != nil {
			return err
		}
	}
	watchers, err := m.Store.Watchers(ctx, b.App, user, m.now(), 0)
	if err != nil {
		return err
	}
	for i := range watchers {
		watchers[i].Member.UserID = user // whom it watches, for Gone
	}
	if told == pusher.WordNone && b.Online == online { // it knows, and nobody has told it anything else since
		watchers = slices.DeleteFunc(watchers, func(s pusher.Subscription) bool { return s.Connection == b.Connection })
	}
	if err := m.Crowd.Tell(ctx, watchers, frame); err != nil || !online {
		return err
	}
	return m.Store.SetWord(ctx, b.App, user, pusher.WordOnline, m.now())
}

// tellWatched tells a new watcher which of its users are there. A change may have been told before that, and is overtaken then: where
// the word that is noted is not what this watcher was told, the consumer is asked.
func (m *Membership) tellWatched(ctx context.Context, c pusher.Connection, users []string) error {
	if len(users) == 0 {
		return nil
	}
	there, err := m.users(ctx, c.App, users)
	if err != nil {
		return err
	}
	var online, offline []string
	for _, user := range users {
		if there[user].online {
			online = append(online, user)
		} else {
			offline = append(offline, user)
		}
	}
	if err := m.tell(ctx, c.ID, pusher.WatchlistEvents(online, offline)); err != nil {
		return err
	}
	noted, err := m.users(ctx, c.App, users)
	if err != nil {
		return err
	}
	var asks []pusher.Broadcast
	for _, user := range users {
		if said := there[user].online; noted[user].told.Online() != said {
			asks = append(asks, pusher.Broadcast{
				Kind: pusher.KindWatch, App: c.App, Channel: pusher.UserChannel(user), Connection: c.ID, Online: said,
			})
		}
	}
	if len(asks) == 0 {
		return nil
	}
	return m.Queue.Publish(ctx, asks...)
}

// watched is what is known of a user.
type watched struct {
	online bool
	told   pusher.Word
}

// users looks users up, lookups of them at once.
func (m *Membership) users(ctx context.Context, app string, users []string) (map[string]watched, error) {
	all := make(map[string]watched, len(users))
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lookups)
	for _, user := range users {
		group.Go(func() error {
			online, told, err := m.Store.User(ctx, app, user)
			mu.Lock()
			defer mu.Unlock()
			all[user] = watched{online, told}
			return err
		})
	}
	return all, group.Wait()
}
