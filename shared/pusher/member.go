package pusher

import (
	"encoding/json"
	"unicode/utf8"
)

// Member is a user on a presence channel, as the other subscribers are sent it.
type Member struct {
	UserID string          `json:"user_id"`
	Info   json.RawMessage `json:"user_info,omitempty"`
}

// ParseMember reads channel_data: a JSON object with a user_id and an optional user_info. The
// user_id may be a number. It becomes a text, so that 7 and "7" are one member (docs/protocol.md
// §3.6). limit is the largest size of user_id and user_info together, in bytes.
func ParseMember(ch Channel, channelData string, limit int) (Member, error) {
	var d struct {
		UserID json.RawMessage `json:"user_id"`
		Info   json.RawMessage `json:"user_info"`
	}
	if err := json.Unmarshal([]byte(channelData), &d); err != nil {
		return Member{}, Errorf(CodeUnauthorized,
			"The channel_data for %s is not a JSON object", ch)
	}
	id, ok := parseID(d.UserID)
	if !ok {
		return Member{}, Errorf(CodeUnauthorized, "The channel_data for %s has no user_id", ch)
	}
	if n := utf8.RuneCountInString(id); n > MaxUserID {
		return Member{}, Limitf(CodeRejected,
			"The user_id for %s is too long: %d characters, the limit is %d", ch, n, MaxUserID)
	}
	m := Member{UserID: id, Info: compact(d.Info)}
	if size := len(m.UserID) + len(m.Info); size > limit {
		return Member{}, Limitf(CodeRejected,
			"The user for %s is too large: %d bytes, the limit is %d", ch, size, limit)
	}
	return m, nil
}
