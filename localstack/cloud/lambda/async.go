package lambda

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"hark/localstack/cloud/meter"
)

// An event that was throttled, or that met an error of Lambda itself, is retried as on AWS: after a
// second, then after twice as long each time, up to five minutes. It is dropped after six hours.
const (
	firstThrottleDelay = time.Second
	lastThrottleDelay  = 5 * time.Minute
	maxEventAge        = 6 * time.Hour
)

// InvokeAsync accepts an event for a function and returns before the function runs: AWS's
// invocation type Event. The event is kept in memory. If the function fails, it is retried after
// each of Options.RetryDelays; then the event is dropped and logged. The error is an *Error, an
// *iam.Denied or ErrClosed. The caller must not change the payload afterwards.
func (s *Service) InvokeAsync(ctx context.Context, function string, payload []byte) error {
	f, err := s.authorize(ctx, function)
	if err != nil {
		return err
	}
	if len(payload) > maxEventPayload {
		return tooLarge(fmt.Sprintf("%d byte payload is too large for the Event invocation type "+
			"(limit %d bytes)",
			len(payload), maxEventPayload))
	}
	if !s.spawn(func() { f.event(newUUID(), payload) }) {
		return ErrClosed
	}
	return nil
}

// event invokes the function until it succeeds, no retries are left, or the service closes.
func (f *function) event(id string, payload []byte) {
	s, began := f.service, time.Now()
	retries, throttle := s.opts.RetryDelays, firstThrottleDelay
	for {
		r, err := f.invoke(s.ctx, &invocation{id: id, payload: payload, cause: meter.Event})
		var delay time.Duration
		switch {
		case s.ctx.Err() != nil, err == nil && r.FunctionError == "":
			return
		case err == nil && len(retries) > 0:
			delay, retries = retries[0], retries[1:]
		case isRefused(err) && time.Since(began) < maxEventAge:
			delay, throttle = throttle, min(2*throttle, lastThrottleDelay)
		default:
			s.opts.Log.Error(
				"event dropped", "function", f.spec.FunctionName, "request", id, "error", err,
			)
			return
		}
		if !pause(s.ctx, delay) {
			return
		}
	}
}

// isRefused reports whether Lambda did not run the function: it was throttled, or Lambda failed
// itself.
func isRefused(err error) bool {
	var e *Error
	return errors.As(err, &e) &&
		(e.Status == http.StatusTooManyRequests || e.Status >= http.StatusInternalServerError)
}

func isThrottled(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusTooManyRequests
}

// pause waits for d, or reports false if the context ends first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
