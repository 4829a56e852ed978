package pusher

import "strings"

// MaxChannelName is the length that the SDKs allow. Pusher documents 164, but no name that an SDK takes is refused
// (docs/protocol.md §3.1).
const MaxChannelName = 200

// userPrefix begins the name of the channel on which a signed-in user is reached.
const userPrefix = "#server-to-user-"

// Channel is a channel's name. Its prefix says what kind of channel it is, dash included: "privateer" is public.
type Channel string

// UserChannel is the channel on which a user is reached (docs/protocol.md §5.9).
func UserChannel(id string) Channel { return Channel(userPrefix + id) }

// User returns whom a user's channel reaches; "" for every other channel.
func (c Channel) User() string {
	id, _ := strings.CutPrefix(string(c), userPrefix)
	if id == string(c) {
		return ""
	}
	return id
}

// Private reports whether a subscription needs a signature: private, encrypted, presence and their cache variants.
func (c Channel) Private() bool {
	return strings.HasPrefix(string(c), "private-") || c.Presence()
}

// Presence reports whether the channel tells its subscribers about each other.
func (c Channel) Presence() bool { return strings.HasPrefix(string(c), "presence-") }

// Encrypted reports whether publishers encrypt what they send there, each time with another nonce (docs/protocol.md §3.13).
func (c Channel) Encrypted() bool { return strings.HasPrefix(string(c), "private-encrypted-") }

// Cache reports whether the channel's newest event is kept for those who come later (docs/protocol.md §3.7).
func (c Channel) Cache() bool {
	for _, prefix := range []string{"cache-", "private-cache-", "private-encrypted-cache-", "presence-cache-"} {
		if strings.HasPrefix(string(c), prefix) {
			return true
		}
	}
	return false
}

// Validate returns nil if the name may be subscribed and published to: 1 to limit of the characters A-Z a-z 0-9 _ - = @ , . ;
// (docs/protocol.md §3.1). A user's channel is not such a name. The *Error says what is wrong with it.
func (c Channel) Validate(limit int) error {
	if c == "" {
		return Errorf(CodeUnauthorized, "The channel name is empty")
	}
	if len(c) > limit {
		return Limitf(CodeUnauthorized, "Channel name too long: %d bytes, the limit is %d: %.60s...", len(c), limit, string(c))
	}
	if r, bad := foreign(string(c)); bad {
		return Errorf(CodeUnauthorized, "Invalid channel name %q: %q is not one of A-Z a-z 0-9 _ - = @ , . ;", string(c), r)
	}
	return nil
}

// foreign returns the first character that a channel's name and a user's ID may not have.
func foreign(name string) (rune, bool) {
	for _, r := range name {
		if !channelRune(r) {
			return r, true
		}
	}
	return 0, false
}

func channelRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r < 0x80 && strings.ContainsRune("_-=@,.;", r)
}
