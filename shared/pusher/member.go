package pusher

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// What one user may be and watch (docs/protocol.md §3.2, §3.12).
const (
	MaxUserID    = 128 // characters
	MaxWatchlist = 100 // users; the rest is dropped
)

// Member is a user on a presence channel, as the others see it.
type Member struct {
	UserID string          `json:"user_id"`
	Info   json.RawMessage `json:"user_info,omitempty"`
}

// ParseMember reads channel_data: a JSON object with a user_id, which may be a number, and perhaps a user_info. IDs are texts from
// here on, so that 7 and "7" are one member (docs/protocol.md §3.6). limit is the size of the member in bytes.
func ParseMember(ch Channel, channelData string, limit int) (Member, error) {
	var d struct {
		UserID json.RawMessage `json:"user_id"`
		Info   json.RawMessage `json:"user_info"`
	}
	if err := json.Unmarshal([]byte(channelData), &d); err != nil {
		return Member{}, Errorf(CodeUnauthorized, "The channel_data for %s is not a JSON object", ch)
	}
	id, ok := userID(d.UserID)
	if !ok {
		return Member{}, Errorf(CodeUnauthorized, "The channel_data for %s has no user_id", ch)
	}
	if n := utf8.RuneCountInString(id); n > MaxUserID {
		return Member{}, Limitf(CodeRejected, "The user_id for %s is too long: %d characters, the limit is %d", ch, n, MaxUserID)
	}
	m := Member{UserID: id, Info: compact(d.Info)}
	if size := len(m.UserID) + len(m.Info); size > limit {
		return Member{}, Limitf(CodeRejected, "The user for %s is too large: %d bytes, the limit is %d", ch, size, limit)
	}
	return m, nil
}

// User is whom a connection is signed in as.
type User struct {
	ID        string
	Info      json.RawMessage
	Watchlist []string // at most MaxWatchlist
	Cut       bool     // the watchlist had more
}

// ParseUser reads the user_data of a sign-in: a JSON object with a non-empty text for an ID, of the characters of channel names
// (docs/protocol.md §3.11).
func ParseUser(userData string) (User, error) {
	var d struct {
		ID        *string           `json:"id"`
		Info      json.RawMessage   `json:"user_info"`
		Watchlist []json.RawMessage `json:"watchlist"` // IDs, which may be numbers
	}
	if err := json.Unmarshal([]byte(userData), &d); err != nil {
		return User{}, Errorf(CodeUnauthorized, "The user_data is not a JSON object with a text for an id and a list for a watchlist")
	}
	if d.ID == nil || *d.ID == "" {
		return User{}, Errorf(CodeUnauthorized, "The user_data has no id")
	}
	if err := ValidateUserID(*d.ID); err != nil {
		return User{}, err
	}
	u := User{ID: *d.ID, Info: compact(d.Info)}
	seen := make(map[string]bool, len(d.Watchlist))
	for _, raw := range d.Watchlist {
		id, ok := userID(raw)
		if !ok || seen[id] || ValidateUserID(id) != nil { // nobody can be signed in by such a name
			continue
		}
		if len(u.Watchlist) == MaxWatchlist {
			u.Cut = true
			break
		}
		seen[id] = true
		u.Watchlist = append(u.Watchlist, id)
	}
	return u, nil
}

// ValidateUserID returns nil if somebody can be signed in by the ID: 1 to MaxUserID of the characters of channel names.
func ValidateUserID(id string) error {
	if id == "" || len(id) > MaxUserID {
		return Errorf(CodeUnauthorized, "The user id has %d bytes, it may have 1 to %d", len(id), MaxUserID)
	}
	if r, bad := foreign(id); bad {
		return Errorf(CodeUnauthorized, "Invalid user id %q: %q is not one of A-Z a-z 0-9 _ - = @ , . ;", id, r)
	}
	return nil
}

// userID takes a text or a number, as it is written.
func userID(raw json.RawMessage) (string, bool) {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s, s != ""
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String(), true
	}
	return "", false
}

// compact takes the spaces out of a JSON value; null is as good as none.
func compact(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || strings.TrimSpace(string(raw)) == "null" {
		return nil
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return nil // it was read as JSON before
	}
	return b.Bytes()
}
