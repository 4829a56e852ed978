// Package invocation is what all functions do with the time that Lambda gives them, and with their panics. A function that runs
// until it is killed says nothing any more: neither to a client, nor to its queue, nor to whom it left work undone for.
package invocation

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

// What is kept back of every invocation, and what of that one last word may take: the rest is for the answer to Lambda.
const (
	margin   = time.Second
	lastWord = 900 * time.Millisecond
)

// Early returns a context that ends a second before the function is killed; if nobody kills it, the context as it is.
func Early(ctx context.Context) (context.Context, context.CancelFunc) {
	if end, ok := ctx.Deadline(); ok {
		return context.WithDeadline(ctx, end.Add(-margin))
	}
	return ctx, func() {}
}

// Overtime returns a context for what must still be done when the time of an early one has run out: 0.9 s from now, whatever has
// become of ctx.
func Overtime(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), lastWord)
}

// Recovered turns a panic into an error, with its stack. It has to be deferred itself.
func Recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	}
}
