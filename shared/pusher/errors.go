package pusher

import (
	"errors"
	"fmt"
)

// The codes that Hark sends (protocol.md §2). Those up to 4099 make pusher-js give up for good when they come as the first
// frame, so that a passing fault must never use one.
const (
	CodeNoApp        = 4001 // no app has this key
	CodeDisabled     = 4003 // the app is switched off
	CodeQuota        = 4004 // the app has as many connections as it may have
	CodeUnauthorized = 4009 // a signature, a name or an origin is refused
	CodeLimit        = 4100 // more than a connection or a channel may hold
	CodeReconnect    = 4200 // our fault: come back now
	CodeInvalid      = 4200 // a frame that cannot be understood; the number Reverb uses
	CodeRejected     = 4301 // a client event is not relayed, or a connection sends too much
	CodeWatchlist    = 4302 // a watchlist was cut
)

// Why a subscription is refused, in the words of soketi, which invented the frame that says so (protocol.md §3.5).
const (
	AuthError    = "AuthError"
	LimitReached = "LimitReached"
)

// Error is a refusal that a client or publisher may see. All other errors are internal and stay in the log.
type Error struct {
	Code    int
	Message string
	Type    string // of the subscription_error; AuthError if ""
	Status  int    // of the subscription_error; 401 if 0
}

func (e *Error) Error() string { return fmt.Sprintf("%s (%d)", e.Message, e.Code) }

// Errorf returns an *Error with a formatted message.
func Errorf(code int, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Limitf returns the *Error of a subscription for which there is no room. Its own code is that of every refused subscription.
func Limitf(status int, format string, args ...any) *Error {
	e := Errorf(CodeUnauthorized, format, args...)
	e.Type, e.Status = LimitReached, status
	return e
}

var (
	// ErrGone says that a connection is not there (any more).
	ErrGone = errors.New("connection is gone")
	// ErrNoApp says that no app has the key or ID.
	ErrNoApp = errors.New("no such app")
	// ErrBusy says that a client's connection takes no more for now: its buffer is full, or a quota is used up.
	ErrBusy = errors.New("connection takes no more for now")
)
