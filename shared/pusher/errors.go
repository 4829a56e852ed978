package pusher

import (
	"errors"
	"fmt"
)

// Code is the code of a pusher:error frame. Clients act on its range: 4000-4099 give up for good,
// 4100-4199 reconnect after a second, 4200-4299 reconnect at once, above that stay connected
// (docs/protocol.md §2).
type Code int

// The codes that Hark sends (docs/protocol.md §2.5). pusher-js gives up for good when one below
// 4100 comes in the first frame, so a passing fault must never have one.
const (
	CodeNoApp        Code = 4001 // no app has this key
	CodeDisabled     Code = 4003 // the app is switched off
	CodeQuota        Code = 4004 // the app has as many connections as it may have
	CodeUnauthorized Code = 4009 // a signature, a name or an origin is refused
	CodeLimit        Code = 4100 // more than a connection or a channel may hold
	CodeReconnect    Code = 4200 // an internal error; also, as in Reverb, an invalid frame
	CodeRejected     Code = 4301 // a client event is refused, or a connection sends too much
	CodeWatchlist    Code = 4302 // a watchlist was cut
)

// Why a subscription is refused: the types of soketi's pusher:subscription_error frame
// (docs/protocol.md §3.5).
const (
	AuthError    = "AuthError"
	LimitReached = "LimitReached"
)

// Error is a refusal that a client is sent. An error of any other type is internal: it is logged
// and never sent.
type Error struct {
	Code    Code
	Message string
	Type    string // of the subscription_error frame; AuthError if ""
	Status  int    // of the subscription_error frame, in soketi's numbers; 401 if 0
}

func (e *Error) Error() string { return fmt.Sprintf("%s (%d)", e.Message, e.Code) }

// Errorf returns an *Error with a formatted message.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Limitf returns the *Error of a subscription that exceeds a limit. Its code is that of every
// refused subscription. limit is the status in the subscription_error frame: soketi puts a code
// there.
func Limitf(limit Code, format string, args ...any) *Error {
	e := Errorf(CodeUnauthorized, format, args...)
	e.Type, e.Status = LimitReached, int(limit)
	return e
}

// HTTPError is the refusal of a publisher's request: an HTTP status and a plain text.
type HTTPError struct {
	Status  int
	Message string
}

func (e *HTTPError) Error() string { return fmt.Sprintf("%s (%d)", e.Message, e.Status) }

// HTTPErrorf returns an *HTTPError with a formatted message.
func HTTPErrorf(status int, format string, args ...any) *HTTPError {
	return &HTTPError{Status: status, Message: fmt.Sprintf(format, args...)}
}

// ErrNoApp says that no app has the key or ID.
var ErrNoApp = errors.New("no such app")
