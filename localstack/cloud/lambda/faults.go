package lambda

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"

	"hark/localstack/cloud/faults"
)

// victim is a process to those who may have to kill it: a faults.Process. It outlives the process,
// whose last requests may still be on their way.
type victim struct {
	kill   context.CancelCauseFunc
	ended  chan struct{} // closed when the process has ended
	writes atomic.Pointer[faults.Count]
}

func newVictim(kill context.CancelCauseFunc) *victim {
	v := &victim{kill: kill, ended: make(chan struct{})}
	v.begin()
	return v
}

// begin starts the counts of a new invocation.
func (v *victim) begin() { v.writes.Store(new(faults.Count)) }

// Writes counts the writes of the invocation that runs.
func (v *victim) Writes() *faults.Count { return v.writes.Load() }

// Kill ends the process by SIGKILL and returns when it has ended.
func (v *victim) Kill() {
	v.kill(errFault)
	<-v.ended
}

// place is where faults of invocations strike.
func (f *function) place() faults.Place {
	return faults.Place{
		Service: faults.Lambda, Operation: faults.Invoke, Function: f.spec.FunctionName,
	}
}

// refuseByFault delays an invocation, or returns why it is not run.
func (f *function) refuseByFault(ctx context.Context) error {
	set := f.service.opts.Faults
	if hit, ok := set.Strike(faults.Slow, f.place()); ok && !pause(ctx, hit.Wait) {
		return ctx.Err()
	}
	hit, ok := set.Strike(faults.Answer, f.place())
	switch {
	case !ok:
		return nil
	case hit.Status == http.StatusTooManyRequests:
		return throttled()
	default:
		message := fmt.Sprintf("a fault that is set answers %d", hit.Status)
		return &Error{Status: hit.Status, Code: "ServiceException", Message: message}
	}
}

// repeatByFault runs the event of an invocation once more if a fault says so: beside it or, if the
// fault has a delay, that long after it; call what it returns when the invocation is over. Nobody
// gets the repetition's result.
func (f *function) repeatByFault(inv *invocation) (over func()) {
	hit, ok := f.service.opts.Faults.Strike(
		faults.RepeatInvocation, faults.Place{Function: f.spec.FunctionName},
	)
	if !ok {
		return func() {}
	}
	again := func() {
		f.service.spawn(func() {
			if hit.Wait > 0 && !pause(f.service.ctx, hit.Wait) {
				return
			}
			_, err := f.run(
				f.service.ctx, &invocation{id: inv.id, payload: inv.payload, cause: inv.cause},
			)
			if err != nil && f.service.ctx.Err() == nil {
				f.service.opts.Log.Warn(
					"a repeated invocation was not run",
					"function", f.spec.FunctionName, "error", err,
				)
			}
		})
	}
	if hit.Wait > 0 {
		return again
	}
	again()
	return func() {}
}
