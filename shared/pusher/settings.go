package pusher

import (
	"net/url"
	"strings"
	"time"
)

// Settings are the values of an app's settings. Package settings has their names, defaults and
// bounds. Names are Reverb's where Reverb has the setting, else soketi's (docs/protocol.md §7).
type Settings struct {
	Disabled        bool          // new connections get error 4003, HTTP requests 403
	AllowedOrigins  []string      // host patterns, * matches any text; if empty, all may connect
	MaxConnections  int           // open at once; 0 is no limit
	ActivityTimeout time.Duration // silence after which clients ping; 0 is the stack's own
	MaxMessageSize  int           // bytes of a client's frame
	ClientEvents    ClientEvents  // whose client events are relayed
	RateLimit       RateLimit     // of a connection's frames

	UserAuthentication bool // clients may sign in
	Watchlist          bool // users are sent online and offline events of the users they watch
	SubscriptionCount  bool // subscribers are sent their number

	MaxChannelName     int // bytes
	MaxMembers         int // users on one presence channel
	MaxMemberSize      int // bytes of a member's user_id and user_info
	MaxClientEvents    int // of one connection within a second; below 0 is no limit
	MaxEventName       int // characters
	MaxEventData       int // bytes
	MaxEventChannels   int // of one publish
	MaxBatch           int // events of one request
	Webhooks           []Webhook
	TerminateByMembers bool // terminate_connections closes members' connections too, like Reverb
	Bans               bool // terminate_connections may ban users; costs reads at sign-in and join
}

// ClientEvents says whose client events are relayed: Reverb's accept_client_events_from.
type ClientEvents string

// The values of accept_client_events_from (docs/protocol.md §4).
const (
	ClientEventsNone    ClientEvents = "none"
	ClientEventsMembers ClientEvents = "members" // subscribers of the private or presence channel
	ClientEventsAll     ClientEvents = "all"     // every client, on every channel
)

// RateLimit bounds the frames of one connection, whatever they are: Reverb's rate_limiting.
type RateLimit struct {
	Enabled   bool
	Max       int           // frames in a window
	Window    time.Duration // windows are fixed: decay_seconds
	Terminate bool          // closes a connection that sends more
}

// AllowsOrigin reports whether a page of that Origin may connect: its host must match one of the
// patterns, scheme and port do not matter. A client without an Origin may connect only if every
// page may (docs/protocol.md §7.1).
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

// matches ignores case. Each * of the pattern matches any text.
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
