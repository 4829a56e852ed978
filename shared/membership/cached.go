package membership

import (
	"context"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

// Cache are the newest events of cache channels.
type Cache interface {
	// Cached returns the channel's newest event that had not expired at now.
	Cached(ctx context.Context, app string, ch pusher.Channel, now time.Time) (state.Cached, error)
}

// sendCached sends a new subscriber the newest event and returns its version, or sends that there
// is none.
func (m *Membership) sendCached(
	ctx context.Context, s state.Subscription,
) (version string, err error) {
	newest, err := m.Cache.Cached(ctx, s.App, s.Channel, m.now())
	switch {
	case err != nil:
		return "", err
	case newest.Frame != nil:
		return newest.Version, m.sendOrClose(ctx, s.Connection, newest.Frame)
	}
	err = m.sendOrClose(ctx, s.Connection, pusher.CacheMiss(s.Channel))
	if err != nil || m.Checks == nil {
		return "", err
	}
	return "", m.Checks.Missed(ctx, s.App, s.Channel)
}

// sendNewer is for a subscribe that another subscribe of its connection overtook. The consumer did
// not wait for it, so the cached event that it sent may have come after a newer one.
func (m *Membership) sendNewer(ctx context.Context, s state.Subscription) error {
	for sent := s.Cached; ; {
		newest, err := m.Cache.Cached(ctx, s.App, s.Channel, m.now())
		if err != nil || newest.Frame == nil || newest.Version == sent {
			return err
		}
		if err := m.sendOrClose(ctx, s.Connection, newest.Frame); err != nil {
			return err
		}
		sent = newest.Version
	}
}
