package membership

import (
	"context"
	"errors"

	"hark/shared/pusher"
	"hark/shared/state"
)

// The frames that this package sends, because rows decide when:
//
//	subscription_succeeded            confirm (subscribe.go), SubscribeUser (signin.go)
//	the cached event, cache_miss      sendCached (cached.go)
//	member_added, member_removed      admit, postRemoved (presence.go)
//	error, subscription_error         refuseJoin (presence.go): its frame was answered before
//	subscription_count                SendCount (count.go)
//	signin_success                    SignIn (signin.go)
//	watchlist_events                  sendWatchlist, SendStatus (watch.go)

// sendOrClose posts a frame without which the client would be wrong about its channels. A client
// that cannot be sent it is closed: it comes back and learns everything anew. sendOrClose fails
// only for reasons that are not the client's.
func (m *Membership) sendOrClose(ctx context.Context, id pusher.ConnectionID, frame []byte) error {
	err := m.Gateway.Post(ctx, id, frame)
	if ctx.Err() == nil && (errors.Is(err, state.ErrGone) || errors.Is(err, state.ErrBusy)) {
		return m.Gateway.Close(ctx, id)
	}
	return err
}
