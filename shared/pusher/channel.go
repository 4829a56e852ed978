package pusher

import "strings"

// MaxChannelName is the longest name of a channel, in bytes. It is the limit of the SDKs. Pusher
// documents 164, but Hark refuses no name that an SDK accepts (docs/protocol.md §3.1).
const MaxChannelName = 200

// userPrefix begins the name of the channel on which a signed-in user is reached.
const userPrefix = "#server-to-user-"

// Channel is a channel's name. Its prefix says what kind of channel it is. The dash belongs to the
// prefix: "privateer" is public.
type Channel string

// UserChannel returns the channel on which a user is reached (docs/protocol.md §3.11, §5.9).
func UserChannel(id string) Channel { return Channel(userPrefix + id) }

// User returns the ID of the user whose channel this is; "" for every other channel.
func (c Channel) User() string {
	id, _ := strings.CutPrefix(string(c), userPrefix)
	if id == string(c) {
		return ""
	}
	return id
}

// Private reports whether a subscription needs a signature: on private, encrypted and presence
// channels and their cache variants.
func (c Channel) Private() bool {
	return strings.HasPrefix(string(c), "private-") || c.Presence()
}

// Presence reports whether subscribers are sent the list of members and its changes.
func (c Channel) Presence() bool { return strings.HasPrefix(string(c), "presence-") }

// Encrypted reports whether publishers encrypt the data of events, each time with another nonce
// (docs/protocol.md §3.13).
func (c Channel) Encrypted() bool { return strings.HasPrefix(string(c), "private-encrypted-") }

// Cache reports whether the channel's newest event is kept and sent to new subscribers
// (docs/protocol.md §3.7).
func (c Channel) Cache() bool {
	for _, prefix := range []string{
		"cache-", "private-cache-", "private-encrypted-cache-", "presence-cache-",
	} {
		if strings.HasPrefix(string(c), prefix) {
			return true
		}
	}
	return false
}

// Validate returns nil if clients may subscribe to the channel and publishers may publish to it:
// its name has 1 to limit of the characters A-Z a-z 0-9 _ - = @ , . ; (docs/protocol.md §3.1).
// The name of a user's channel is invalid. The *Error says what is wrong.
func (c Channel) Validate(limit int) error {
	if c == "" {
		return Errorf(CodeUnauthorized, "The channel name is empty")
	}
	if len(c) > limit {
		return Limitf(CodeUnauthorized,
			"Channel name too long: %d bytes, the limit is %d: %.60s...", len(c), limit, string(c))
	}
	if r, bad := invalidRune(string(c)); bad {
		return Errorf(CodeUnauthorized,
			"Invalid channel name %q: %q is not one of A-Z a-z 0-9 _ - = @ , . ;", string(c), r)
	}
	return nil
}

// invalidRune returns the first character that neither a channel's name nor a user's ID may have.
func invalidRune(name string) (r rune, found bool) {
	for _, r := range name {
		if !validRune(r) {
			return r, true
		}
	}
	return 0, false
}

func validRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
		strings.ContainsRune("_-=@,.;", r)
}
