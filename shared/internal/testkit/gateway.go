package testkit

import (
	"context"
	"slices"
	"sync"

	"hark/shared/pusher"
	"hark/shared/state"
)

// Gateway posts to connections that take every frame, unless a test says otherwise, and keeps what
// they were sent. The zero value is ready for use.
type Gateway struct {
	mu     sync.Mutex
	frames map[pusher.ConnectionID][]string
	closed map[pusher.ConnectionID]bool
	errs   map[pusher.ConnectionID]error
}

// Refuse makes posts to the connection fail from now on; nil lets them succeed again.
func (g *Gateway) Refuse(id pusher.ConnectionID, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.errs == nil {
		g.errs = map[pusher.ConnectionID]error{}
	}
	g.errs[id] = err
}

// Post keeps the frame. A connection that was closed is gone.
func (g *Gateway) Post(_ context.Context, id pusher.ConnectionID, frame []byte) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.errs[id]; err != nil {
		return err
	}
	if g.closed[id] {
		return state.ErrGone
	}
	if g.frames == nil {
		g.frames = map[pusher.ConnectionID][]string{}
	}
	g.frames[id] = append(g.frames[id], string(frame))
	return nil
}

// Close closes the connection.
func (g *Gateway) Close(_ context.Context, id pusher.ConnectionID) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed == nil {
		g.closed = map[pusher.ConnectionID]bool{}
	}
	g.closed[id] = true
	return nil
}

// Alive reports whether the connection was not closed.
func (g *Gateway) Alive(_ context.Context, id pusher.ConnectionID) (bool, error) {
	return !g.Closed(id), nil
}

// Closed reports whether the connection was closed.
func (g *Gateway) Closed(id pusher.ConnectionID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed[id]
}

// Frames returns what the connection was sent, in order.
func (g *Gateway) Frames(id pusher.ConnectionID) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.frames[id])
}
