package webhook

import (
	"sync"
	"time"
)

// An endpoint that keeps everybody waiting would in the end have every process of the stack wait for it, at the cost of all other apps.
// So after slowInARow posts that were not answered in time, and none that was, a process leaves it alone for a rest five times as long as
// such a post takes; then it tries one. What is not tried meanwhile waits for its next turn, as if it had failed.
const (
	slowInARow = 3
	rest       = 5 * patience
)

// resting are the endpoints that have been slow lately, as far as this process has seen.
type resting struct {
	mu   sync.Mutex
	slow map[string]slowness
}

type slowness struct {
	inARow int
	until  time.Time // it is left alone; zero if it is not
}

// now reports whether the endpoint is left alone.
func (r *resting) now(endpoint string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Now().Before(r.slow[endpoint].until)
}

// note takes down how a post to it ended.
func (r *resting) note(endpoint string, slow bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slow {
		delete(r.slow, endpoint)
		return
	}
	s := r.slow[endpoint]
	s.inARow++
	if s.inARow >= slowInARow {
		s.until = time.Now().Add(rest)
	}
	if r.slow == nil {
		r.slow = make(map[string]slowness)
	}
	r.slow[endpoint] = s
}
