package pusher

import (
	"net/url"
	"strings"
	"time"
)

// Settings are what one app may change. Names and defaults are Reverb's where Reverb has them, else soketi's
// (docs/protocol.md §7); DefaultSettings has the values of an app that changes nothing.
type Settings struct {
	Disabled        bool          // clients are told 4003, publishers 403
	AllowedOrigins  []string      // host patterns, * stands for any text; empty lets everybody in
	MaxConnections  int           // open at once; 0 is no limit
	ActivityTimeout time.Duration // silence after which clients ping; 0 is the stack's own
	MaxMessageSize  int           // bytes of a client's frame
	ClientEvents    ClientEvents  // whose client events are relayed
	RateLimit       RateLimit     // of a connection's frames

	UserAuthentication bool // clients may sign in
	Watchlist          bool // users hear of the users whom they watch
	SubscriptionCount  bool // subscribers hear how many they are

	MaxChannelName     int // bytes
	MaxMembers         int // users on one presence channel
	MaxMemberSize      int // bytes of a member's user_id and user_info
	MaxClientEvents    int // of one connection within a second; below 0 is no limit
	MaxEventName       int // characters
	MaxEventData       int // bytes
	MaxEventChannels   int // of one publish
	MaxBatch           int // events of one request
	Webhooks           []Webhook
	TerminateByMembers bool // terminate_connections also ends connections known only as presence members, as Reverb does
	Bans               bool // terminate_connections may ban the user, at the price of a look at each sign-in and each join
}

// ClientEvents says whose client events are relayed: Reverb's accept_client_events_from.
type ClientEvents string

// The values of accept_client_events_from (docs/protocol.md §4).
const (
	ClientEventsNone    ClientEvents = "none"
	ClientEventsMembers ClientEvents = "members" // of those who are subscribed to the private or presence channel
	ClientEventsAll     ClientEvents = "all"     // of everybody, on every channel
)

// RateLimit bounds the frames of one connection, whatever they are: Reverb's rate_limiting. The window is a fixed one.
type RateLimit struct {
	Enabled   bool
	Max       int           // frames in a window
	Window    time.Duration // decay_seconds
	Terminate bool          // whoever sends more is closed
}

// DefaultSettings returns the settings of an app that changes none.
func DefaultSettings() Settings {
	return Settings{
		MaxMessageSize:     10_000,
		ClientEvents:       ClientEventsMembers,
		RateLimit:          RateLimit{Max: 60, Window: time.Minute},
		UserAuthentication: true,
		Watchlist:          true,
		MaxChannelName:     MaxChannelName,
		MaxMembers:         100,
		MaxMemberSize:      1 << 10,
		MaxClientEvents:    10,
		MaxEventName:       200,
		MaxEventData:       10 << 10,
		MaxEventChannels:   100,
		MaxBatch:           10,
		TerminateByMembers: true,
	}
}

// AllowsOrigin reports whether a page of that Origin may connect: its host must match one of the patterns, scheme and port do not
// matter. A client without an Origin is let in only if everybody is (docs/protocol.md §7.1).
func (s Settings) AllowsOrigin(origin string) bool {
	if len(s.AllowedOrigins) == 0 {
		return true
	}
	host := ""
	if u, err := url.Parse(origin); err == nil {
		host = u.Hostname()
	}
	for _, pattern := range s.AllowedOrigins {
		if pattern == "*" || host != "" && matches(pattern, host) {
			return true
		}
	}
	return false
}

// matches compares without regard to case; each * of the pattern stands for any text.
func matches(pattern, host string) bool {
	parts := strings.Split(strings.ToLower(pattern), "*")
	host = strings.ToLower(host)
	if len(parts) == 1 {
		return parts[0] == host
	}
	rest, found := strings.CutPrefix(host, parts[0])
	if !found {
		return false
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		_, after, found := strings.Cut(rest, part)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, parts[last])
}
