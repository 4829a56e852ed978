// Package invocation decides how much of its time a function may use, and turns panics into errors.
// A function that Lambda kills at its timeout sends nothing more: its client is sent API Gateway's
// own error, its queue does not learn which messages are done, and unfinished work leaves no lease
// (docs/decisions/0034-last-second.md).
package invocation

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

const (
	// margin is how long before its deadline a function stops its work.
	margin = time.Second
	// overtime is how much of the margin may still be used for what must be done. The rest is for
	// the answer to Lambda.
	overtime = 900 * time.Millisecond
)

// Early returns a context that ends a second before the deadline of ctx, when Lambda kills the
// function. Without a deadline it returns ctx.
func Early(ctx context.Context) (context.Context, context.CancelFunc) {
	if end, ok := ctx.Deadline(); ok {
		return context.WithDeadline(ctx, end.Add(-margin))
	}
	return ctx, func() {}
}

// Overtime returns a context for what must be done even if the time of Early has run out. It ends
// 0.9 s from now, whether ctx has ended or not.
func Overtime(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), overtime)
}

// Recovered turns a panic into an error with its stack. It must be deferred itself.
func Recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	}
}
