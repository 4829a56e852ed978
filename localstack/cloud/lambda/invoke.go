package lambda

import (
	"bytes"
	"container/list"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"hark/localstack/cloud/iam"
	"hark/localstack/cloud/meter"
)

// Payload limits of AWS, in bytes.
const (
	maxPayload      = 6 << 20 // of a synchronous invocation, both ways
	maxEventPayload = 1 << 20 // of an asynchronous one
)

// Result is what became of an invocation that reached the function.
type Result struct {
	Payload []byte // the response, or the error as JSON
	// "", or "Unhandled" if the function failed: an error, a crash or a timeout
	FunctionError string

	contentType string // as the function posted it
	// the last 4 KB that the function printed; only if the invocation asked for it
	log []byte
}

// invocation is one call of a function on its way. The function's lock guards everything that
// changes after submit.
type invocation struct {
	id      string // a new one if ""
	payload []byte
	cause   string      // on the bill
	tail    bool        // the caller wants Result.log
	done    chan Result // buffered: whoever has the result never waits for the caller

	waiting  *list.Element // in the function's queue; nil when a process has taken it
	began    time.Time     // when a process took it
	answered bool          // its result is in done
	timeout  *time.Timer
}

// Invoke runs a function and waits for its response: AWS's RequestResponse. The function is named
// by name or ARN. The error is an *Error (no such function, throttled, too large), an *iam.Denied
// if the context's role may not invoke it, ErrClosed, or the context's. When the context ends the
// function is not stopped, as on AWS: only the caller has gone.
func (s *Service) Invoke(ctx context.Context, function string, payload []byte) (Result, error) {
	f, err := s.authorize(ctx, function)
	if err != nil {
		return Result{}, err
	}
	if err := checkPayload(payload); err != nil {
		return Result{}, err
	}
	return f.invoke(ctx, &invocation{payload: payload, cause: meter.Invoke})
}

func (s *Service) authorize(ctx context.Context, function string) (*function, error) {
	f, err := s.function(function)
	if err != nil {
		return nil, err
	}
	return f, iam.Check(ctx, "lambda:InvokeFunction", f.arn)
}

func checkPayload(payload []byte) error {
	if len(payload) > maxPayload {
		return tooLarge(fmt.Sprintf(
			"Request must be smaller than %d bytes for the InvokeFunction operation", maxPayload,
		))
	}
	return nil
}

// invoke runs inv and waits for its result or the context's end, as the faults will have it. It
// asks for no permission: triggers may invoke whatever they are connected to.
func (f *function) invoke(ctx context.Context, inv *invocation) (Result, error) {
	if inv.id == "" {
		inv.id = newUUID()
	}
	if err := f.refuseByFault(ctx); err != nil {
		return Result{}, err
	}
	defer f.repeatByFault(inv)()
	return f.run(ctx, inv)
}

// run hands inv to a process and waits for its result or the context's end.
func (f *function) run(ctx context.Context, inv *invocation) (Result, error) {
	inv.done = make(chan Result, 1)
	if err := f.submit(inv); err != nil {
		return Result{}, err
	}
	select {
	case r, ok := <-inv.done:
		if !ok {
			return Result{}, ErrClosed
		}
		return r, nil
	case <-ctx.Done():
		f.abandon(inv)
		return Result{}, ctx.Err()
	}
}

// failure is the result of an invocation that the platform, not the function, declares failed.
func failure(errorType, message string) Result {
	return Result{FunctionError: "Unhandled", Payload: encode(struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}{errorType, message})}
}

// exitFailure words the end of a process as AWS does, e.g. "RequestId: .. Error: Runtime exited
// with error: exit status 1".
func exitFailure(id, how string) Result {
	return failure("Runtime.ExitError", "RequestId: "+id+" Error: "+how)
}

func timeoutFailure(id string, after time.Duration) Result {
	return failure("Sandbox.Timedout",
		fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", id, after.Seconds()))
}

// newUUID returns a random UUID (version 4), the form of AWS's request ids.
func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// newTraceID returns an X-Ray trace header that begins at now.
func newTraceID(now time.Time) string {
	var b [20]byte
	rand.Read(b[:])
	return fmt.Sprintf(
		"Root=1-%s-%x;Parent=%x;Sampled=0", strconv.FormatInt(now.Unix(), 16), b[:12], b[12:],
	)
}

// encode returns v as JSON with <, > and & as they are, as AWS writes it. v must be a type that
// always marshals.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return []byte("null")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
