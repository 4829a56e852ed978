package webhook

import (
	"sync"
	"time"
)

// If every delivery waited for an endpoint that does not answer, such endpoints could occupy all of
// the stack's processes, at the cost of other apps. So after slowInARow posts that were not
// answered in time, a process leaves the endpoint alone for a rest, and then tries one post.
// Deliveries that are due meanwhile wait for their next try, as if they had failed.
const (
	slowInARow = 3
	rest       = 5 * endpointTimeout
)

// slowEndpoints are the endpoints that did not answer this process in time.
type slowEndpoints struct {
	mu   sync.Mutex
	slow map[string]slowness
}

type slowness struct {
	inARow    int
	restUntil time.Time // zero if the endpoint does not rest
}

// rests reports whether the endpoint is to be left alone.
func (s *slowEndpoints) rests(endpoint string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Before(s.slow[endpoint].restUntil)
}

// record records whether a post to the endpoint was not answered in time.
func (s *slowEndpoints) record(endpoint string, slow bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slow {
		delete(s.slow, endpoint)
		return
	}
	e := s.slow[endpoint]
	e.inARow++
	if e.inARow >= slowInARow {
		e.restUntil = time.Now().Add(rest)
	}
	if s.slow == nil {
		s.slow = make(map[string]slowness)
	}
	s.slow[endpoint] = e
}
