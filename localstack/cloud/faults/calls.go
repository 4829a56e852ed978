package faults

import (
	"context"
	"net/http"
	"sync"
	"time"

	"hark/localstack/cloud/iam"
)

// Process is a process that makes calls.
type Process interface {
	// Writes counts the writes of the current invocation.
	Writes() *Count
	// Kill ends the process by SIGKILL and returns when it has ended.
	Kill()
}

// Count counts an invocation's writes: for each fault, those that it matches. The zero value is
// ready to use.
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

// Serve executes a request with the faults that are set. The request may be delayed, refused, or
// not answered because its caller is killed. refuse answers with a status in the service's own
// form; do executes the request. Serve sets Place.Function to the caller in the request's context.
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
		do(&discarded{header: make(http.Header)}, r)
		p.Kill()
	default:
		do(w, r)
	}
}

// fatal counts a write and returns the kind of fault that it triggers, if any.
func (s *Set) fatal(at Place, writes *Count) Kind {
	var fatal Kind
	for _, a := range s.active() {
		if a.Do != KillBeforeWrite && a.Do != KillAfterWrite || !a.matches(at) {
			continue
		}
		if n := writes.next(a); n != max(1, a.Nth) || fatal != "" {
			continue
		}
		if _, ok := a.decide(); ok {
			fatal = a.Do
		}
	}
	return fatal
}

// pause waits for d, or until the context ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// discarded drops an answer whose caller was killed.
type discarded struct{ header http.Header }

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) Write(b []byte) (int, error) { return len(b), nil }
func (d *discarded) WriteHeader(int)             {}
