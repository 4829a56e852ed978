package socket

import (
	"context"
	"errors"
	"time"

	"hark/shared/pusher"
)

// What bounds a stranger's bill (docs/decisions/0020-limits.md). Each holds for one connection in one process; Lambda spreads the frames of a busy
// connection over several. Time is the frames' own, so that a process that lags behind or was frozen counts as it should.
const (
	frameEvery = time.Second / 30 // a connection that sends more than that, beyond a burst, is closed
	frameBurst = 200
	errorEvery = time.Second // refusals above that, beyond a burst, are not told
	errorBurst = 10          // so many mistakes made at once are each heard of
	closeEvery = time.Second // closing one is not tried for each frame that still comes
	closeBurst = 1
)

// count counts a frame of an app that limits all frames: Reverb's rate_limiting, one write a frame.
func (s *Server) count(ctx context.Context, r request) error {
	limit := r.app.RateLimit
	if !limit.Enabled {
		s.clients.setLimited(r.id, "")
		return nil
	}
	s.clients.setLimited(r.id, r.app.ID)
	if !s.exceeds(ctx, r, "frame", limit.Window, limit.Max) {
		return nil
	}
	refusal := pusher.Errorf(pusher.CodeRejected, "Rate limit exceeded: more than %d frames within %s", limit.Max, limit.Window)
	if limit.Terminate {
		return errors.Join(refusal, errEnd)
	}
	return refusal
}

// exceeds counts a frame and reports whether it is one too many within its window. A frame that cannot be counted is served: a limit
// must not break what it protects.
func (s *Server) exceeds(ctx context.Context, r request, name string, window time.Duration, limit int) bool {
	n, err := s.Rates.CountFrame(ctx, r.id, name, window, r.t)
	if err != nil {
		s.Log.WarnContext(ctx, "frame not counted", "app", r.app.ID, "connection", r.id, "error", err)
	}
	return err == nil && n > limit
}

// countKnown counts a frame that is answered without reading its connection, if this process has learnt from another frame of the
// connection that its app limits them. Until it has, pings are not counted, nor are they in a process that serves nothing but
// pings; in return the pings of all other apps cost no read (docs/decisions/0022-cost-budgets.md, "idle connection").
func (s *Server) countKnown(ctx context.Context, r request) error {
	id := s.clients.limited(r.id)
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
