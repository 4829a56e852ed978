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
	CodeUnauthorized = 4009 // a signature or a name is refused
	CodeLimit        = 4100 // more than one connection may hold
	CodeReconnect    = 4200 // our fault: come back now
	CodeInvalid      = 4200 // a frame that cannot be understood; the number Reverb uses
)

// Error is a refusal that a client or publisher may see. All other errors are internal and stay in the log.
type Error struct {
	Code    int
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("%s (%d)", e.Message, e.Code) }

// Errorf returns an *Error with a formatted message.
func Errorf(code int, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

var (
	// ErrGone says that a connection is not there (any more).
	ErrGone = errors.New("connection is gone")
	// ErrNoApp says that no app has the key or ID.
	ErrNoApp = errors.New("no such app")
	// ErrBusy says that a client's connection takes no more for now: its buffer is full, or a quota is used up.
	ErrBusy = errors.New("connection takes no more for now")
)
