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

// Result is the outcome of an invocation that reached the function.
type Result struct {
	Payload []byte // the response, or the error as JSON
	// "", or "Unhandled" if the function failed: an error, a crash or a timeout
	FunctionError string

	contentType string // as the function posted it
	// the last 4 KB that the function printed; set only if the invocation asked for it
	log []byte
}

// invocation is one call of a function, from submit to its result. The function's lock guards all
// fields that change after submit.
type invocation struct {
	id      string // a new one if ""
	payload []byte
	cause   string      // by which the meter counts it
	tail    bool        // the caller wants Result.log
	done    chan Result // buffered, so that sending the result never blocks

	waiting  *list.Element // in the function's queue; nil once a process has it
	began    time.Time     // when a process began it
	answered bool          // its result was sent to done
	timeout  *time.Timer
}

// Invoke runs a function and waits for its response: AWS's invocation type RequestResponse. The
// function is given by name or ARN. The error is an *Error (no such function, throttled, too
// large), an *iam.Denied if the context's role may not invoke the function, ErrClosed, or the
// context's error. If the context ends, the function runs on, as on AWS.
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

// invoke runs inv, with the faults that are set, and waits for its result or the end of the
// context. It checks no permission: triggers may invoke the function that they are connected to.
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

// run submits inv and waits for its result or the end of the context.
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

// failure is the result of an invocation that Lambda declares failed, not the function.
func failure(errorType, message string) Result {
	return Result{FunctionError: "Unhandled", Payload: encode(struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}{errorType, message})}
}

// exitFailure is the failure of an invocation whose process has ended, in AWS's words, e.g.
// "RequestId: .. Error: Runtime exited with error: exit status 1".
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

// newTraceID returns an X-Ray trace header that starts at now.
func newTraceID(now time.Time) string {
	var b [20]byte
	rand.Read(b[:])
	return fmt.Sprintf(
		"Root=1-%s-%x;Parent=%x;Sampled=0", strconv.FormatInt(now.Unix(), 16), b[:12], b[12:],
	)
}

// encode returns v as JSON and leaves <, > and & unescaped, as AWS does. v must be of a type that
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
