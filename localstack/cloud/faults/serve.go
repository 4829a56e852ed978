package faults

import (
	"context"
	"net/http"
	"sync"
	"time"

	"hark/localstack/cloud/iam"
)

// Process is the process that makes a call.
type Process interface {
	// Writes counts the writes of the invocation that runs.
	Writes() *Count
	// Kill ends the process by SIGKILL and returns when it has ended.
	Kill()
}

// Count is how many writes an invocation has made, for each fault those that match it. The zero
// value is ready.
type Count struct {
	mu sync.Mutex
	of map[*active]int
}

func (c *Count) next(a *active) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = make(map[*active]int)
	}
	c.of[a]++
	return c.of[a]
}

type processKey struct{}

// WithProcess returns a context whose calls are made by the process.
func WithProcess(ctx context.Context, p Process) context.Context {
	return context.WithValue(ctx, processKey{}, p)
}

// Serve has a request answered as the faults will have it: late, refused, or never, since its
// caller was killed. Refuse answers with a status in the service's own form, do executes the
// request. Place.Function is who calls, by the request's context.
func (s *Set) Serve(
	w http.ResponseWriter, r *http.Request, at Place,
	refuse func(w http.ResponseWriter, status int), do http.HandlerFunc,
) {
	if len(s.active()) == 0 {
		do(w, r)
		return
	}
	at.Function = iam.Caller(r.Context())
	if hit, ok := s.Strike(Slow, at); ok {
		pause(r.Context(), hit.Wait)
	}
	if hit, ok := s.Strike(Answer, at); ok {
		refuse(w, hit.Status)
		return
	}
	p, _ := r.Context().Value(processKey{}).(Process)
	if p == nil || !Writes(at.Service, at.Operation) {
		do(w, r)
		return
	}
	switch s.fatal(at, p.Writes()) {
	case KillBeforeWrite:
		p.Kill()
	case KillAfterWrite:
		do(&nobody{header: make(http.Header)}, r)
		p.Kill()
	default:
		do(w, r)
	}
}

// fatal counts a write, and returns which kind of fault it sets off, if any.
func (s *Set) fatal(at Place, writes *Count) Kind {
	var fatal Kind
	for _, a := range s.active() {
		if a.Do != KillBeforeWrite && a.Do != KillAfterWrite || !a.matches(at) {
			continue
		}
		if n := writes.next(a); n != max(1, a.Nth) || fatal != "" {
			continue
		}
		if _, ok := a.turn(); ok {
			fatal = a.Do
		}
	}
	return fatal
}

// pause waits, not longer than the context lasts.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// nobody takes the answer that its caller will not live to read.
type nobody struct{ header http.Header }

func (n *nobody) Header() http.Header         { return n.header }
func (n *nobody) Write(b []byte) (int, error) { return len(b), nil }
func (n *nobody) WriteHeader(int)             {}
