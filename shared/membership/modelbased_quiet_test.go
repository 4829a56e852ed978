package membership_test

import (
	"context"
	"slices"
	"time"

	"pgregory.net/rapid"

	"hark/shared/membership"
)

// comeToEnd lets all calls run to their end.
func (h *history) comeToEnd() {
	for len(h.calls) > 0 {
		h.finish(h.calls[0])
	}
}

// drain handles the whole queue, and moves the clock for messages that have to come again.
func (h *history) drain() {
	for range 300 {
		h.comeToEnd()
		batch := h.receive(10)
		if len(batch) == 0 {
			h.pass(visibility + time.Second)
			if batch = h.receive(10); len(batch) == 0 {
				return
			}
		}
		h.finish(h.consumes(batch, false))
	}
	h.violate("the queue never runs dry")
	h.judgeNow()
}

// disconnects has the outstanding $disconnects come, or get lost.
func (h *history) disconnects(rt *rapid.T) {
	for len(h.ends) > 0 {
		p := h.ends[0]
		h.ends = h.ends[1:]
		if rapid.IntRange(0, 3).Draw(rt, "lost") == 3 {
			h.note("the $disconnect of %s is lost", p.id)
			continue
		}
		h.finish(h.disconnect(p))
	}
}

// sweep is a whole run of Sweep at once.
func (h *history) sweep() {
	m := h.members()
	h.finish(h.begin("sweep", &call{}, func(ctx context.Context) {
		if _, err := m.Sweep(ctx); err != nil {
			h.violate("sweep: %v", err)
		}
	}))
}

func (h *history) audit() {
	m := h.members()
	h.finish(h.begin("audit", &call{}, func(ctx context.Context) {
		audit := &membership.Audit{Members: m, List: h.state, Apps: h.apps}
		if _, err := audit.Run(ctx); err != nil {
			h.violate("audit: %v", err)
		}
	}))
}

// quiesce is phase 1: all calls end, faults are over, and Sweep runs for as long as it may need.
func (h *history) quiesce(rt *rapid.T) {
	h.note("--- quiet")
	clear(h.world.lies)
	h.drain()
	h.disconnects(rt)
	h.drain()
	for range 13 {
		now := time.Now()
		h.pass(now.Truncate(time.Minute).Add(time.Minute + 5*time.Second).Sub(now))
		h.sweep()
		h.disconnects(rt)
		h.drain()
	}
}

// vanish is phase 2: all clients go, some without a $disconnect, and four hours pass.
func (h *history) vanish(rt *rapid.T) {
	h.note("--- all clients go")
	for _, p := range h.peers {
		h.hangUp(p)
	}
	h.disconnects(rt)
	h.drain()
	for range 4 * 4 {
		h.pass(15 * time.Minute)
		h.sweep()
		h.audit()
		h.drain()
	}
}

// alive are the open clients whose connection was not forgotten.
func (h *history) alive() []*peer {
	return slices.DeleteFunc(slices.Clone(h.peers), func(p *peer) bool {
		return !p.open || p.markedDead != nil
	})
}
