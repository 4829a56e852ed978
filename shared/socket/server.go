package socket

import (
	"context"
	"log/slog"

	"hark/shared/pusher"
)

// Sender posts frames to connections and ends them.
type Sender interface {
	// Send posts one frame. It fails with pusher.ErrGone if the connection is not there (yet, or any more).
	Send(ctx context.Context, id pusher.ConnectionID, frame []byte) error
	// Close closes the connection; one that is gone already is no error.
	Close(ctx context.Context, id pusher.ConnectionID) error
}

// Apps finds an app; both fail with pusher.ErrNoApp if there is none.
type Apps interface {
	ByKey(ctx context.Context, key string) (pusher.App, error)
	ByID(ctx context.Context, id string) (pusher.App, error)
}

// send posts a frame to a client that may have left meanwhile.
func send(ctx context.Context, s Sender, log *slog.Logger, id pusher.ConnectionID, frame []byte) {
	if err := s.Send(ctx, id, frame); err != nil {
		log.WarnContext(ctx, "frame not sent", "connection", id, "error", err)
	}
}
