package pusher

import "strings"

// MaxChannelName is the length that the SDKs allow. Pusher documents 164, but no name that an SDK takes is refused
// (protocol.md §3.1).
const MaxChannelName = 200

// Channel is a channel's name. Its prefix says what kind of channel it is, dash included: "privateer" is public.
type Channel string

// Private reports whether a subscription needs a signature: private, encrypted, presence and their cache variants.
func (c Channel) Private() bool {
	return strings.HasPrefix(string(c), "private-") || c.Presence()
}

// Presence reports whether the channel tells its subscribers about each other.
func (c Channel) Presence() bool { return strings.HasPrefix(string(c), "presence-") }

// Validate returns nil if the name may be subscribed and published to: 1 to 200 of the characters A-Z a-z 0-9 _ - = @ , . ;
// (protocol.md §3.1). The *Error says what is wrong with it.
func (c Channel) Validate() error {
	if c == "" {
		return Errorf(CodeUnauthorized, "The channel name is empty")
	}
	if len(c) > MaxChannelName {
		return Errorf(CodeUnauthorized, "Channel name too long: %d bytes, the limit is %d: %.60s...", len(c), MaxChannelName, string(c))
	}
	for _, r := range string(c) {
		if !channelRune(r) {
			return Errorf(CodeUnauthorized, "Invalid channel name %q: %q is not one of A-Z a-z 0-9 _ - = @ , . ;", string(c), r)
		}
	}
	return nil
}

func channelRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r < 0x80 && strings.ContainsRune("_-=@,.;", r)
}
