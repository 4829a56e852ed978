package socket

import (
	"context"
	"errors"
	"time"

	"hark/shared/pusher"
)

// Limits that bound a stranger's bill (docs/decisions/0020-limits.md). Each holds for one
// connection in one process; Lambda spreads the frames of a busy connection over several processes.
// Time is that of the frames, so a process that lags behind or was frozen counts right.
const (
	frameEvery   = time.Second / 30 // more frames, beyond a burst, close the connection
	frameBurst   = 200
	refusalEvery = time.Second // more refusals, beyond a burst, are not sent
	refusalBurst = 10
	closeEvery   = time.Second // closing is not tried for each frame that still comes
	closeBurst   = 1
)

// count counts a frame if the app limits all frames: Reverb's rate_limiting. Each frame costs a
// write then.
func (s *Server) count(ctx context.Context, r request) error {
	limit := r.app.RateLimit
	if !limit.Enabled {
		s.clients.setLimitingApp(r.id, "")
		return nil
	}
	s.clients.setLimitingApp(r.id, r.app.ID)
	if !s.exceeds(ctx, r, "frame", limit.Window, limit.Max) {
		return nil
	}
	refusal := pusher.Errorf(pusher.CodeRejected,
		"Rate limit exceeded: more than %d frames within %s", limit.Max, limit.Window)
	if limit.Terminate {
		return errors.Join(refusal, errClose)
	}
	return refusal
}

// exceeds counts a frame and reports whether it is one too many within its window. A frame that
// cannot be counted is served: the limit must not break what it protects.
func (s *Server) exceeds(
	ctx context.Context, r request, name string, window time.Duration, limit int,
) bool {
	n, err := s.Rates.CountFrame(ctx, r.id, name, window, r.stamp)
	if err != nil {
		s.Log.WarnContext(ctx, "frame not counted",
			"app", r.app.ID, "connection", r.id, "error", err)
	}
	return err == nil && n > limit
}

// countKnown counts a frame that is answered without reading its connection, if another frame of
// the connection has shown this process that its app limits them. Until then pings are not counted,
// nor in a process that gets nothing but pings. In return the pings of all other apps cost no read
// (docs/decisions/0022-cost-budgets.md, "idle connection").
func (s *Server) countKnown(ctx context.Context, r request) error {
	id := s.clients.limitingApp(r.id)
	if id == "" {
		return nil
	}
	app, err := s.Apps.ByID(ctx, id)
	if err != nil {
		s.Log.WarnContext(ctx, "frame not counted", "app", id, "connection", r.id, "error", err)
		return nil
	}
	r.app = app
	return s.count(ctx, r)
}
