package state

// UserStatus is what a user's watchers were last sent about the user.
type UserStatus int

// The values of UserStatus. StatusUnknown says that no watcher who is connected now was sent any.
const (
	StatusUnknown UserStatus = iota
	StatusOffline
	StatusComingOnline // online, but perhaps not sent to every watcher yet
	StatusOnline
)

// Online reports whether watchers were sent that the user is online.
func (s UserStatus) Online() bool { return s >= StatusComingOnline }
