package lambda

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"

	"hark/localstack/cloud/faults"
)

// killable is the process as faults see it: a faults.Process. It outlives the process, whose last
// requests may arrive after its end.
type killable struct {
	kill   context.CancelCauseFunc
	ended  chan struct{} // closed when the process has ended
	writes atomic.Pointer[faults.Count]
}

func newKillable(kill context.CancelCauseFunc) *killable {
	k := &killable{kill: kill, ended: make(chan struct{})}
	k.begin()
	return k
}

// begin starts the counts for a new invocation.
func (k *killable) begin() { k.writes.Store(new(faults.Count)) }

// Writes counts the writes of the current invocation.
func (k *killable) Writes() *faults.Count { return k.writes.Load() }

// Kill ends the process by SIGKILL and returns when it has ended.
func (k *killable) Kill() {
	k.kill(errFault)
	<-k.ended
}

// place is the place at which faults of invocations strike.
func (f *function) place() faults.Place {
	return faults.Place{
		Service: faults.Lambda, Operation: faults.Invoke, Function: f.spec.FunctionName,
	}
}

// refuseByFault delays an invocation if a fault asks for it, and returns the error if it is not to
// run.
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

// repeatByFault runs the invocation's event a second time if a fault asks for it: at once, or if
// the fault has a delay, that long after the first invocation has ended. The caller must call over
// when the first has ended. The result of the repetition is dropped.
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
