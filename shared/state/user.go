package state

// UserStatus is the status of a user: what the user's watchers were last sent.
type UserStatus int

// The values of UserStatus. StatusUnknown says that no watcher that is connected now was sent one.
const (
	StatusUnknown UserStatus = iota
	StatusOffline
	StatusComingOnline // online, but perhaps not sent to every watcher yet
	StatusOnline
)

// Online reports whether watchers were sent that the user is online.
func (s UserStatus) Online() bool { return s >= StatusComingOnline }
