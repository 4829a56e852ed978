package pusher

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Limits of a user (docs/protocol.md §3.2, §3.12).
const (
	MaxUserID    = 128 // characters
	MaxWatchlist = 100 // users; the rest of a longer watchlist is dropped
)

// User is the user that a connection is signed in as.
type User struct {
	ID        string
	Info      json.RawMessage
	Watchlist []string // at most MaxWatchlist
	Cut       bool     // the watchlist had more
}

// ParseUser reads the user_data of a sign-in: a JSON object with an id, a text that ValidateUserID
// accepts (docs/protocol.md §3.11). Users on the watchlist that cannot exist are dropped.
func ParseUser(userData string) (User, error) {
	var d struct {
		ID        *string           `json:"id"`
		Info      json.RawMessage   `json:"user_info"`
		Watchlist []json.RawMessage `json:"watchlist"` // IDs, which may be numbers
	}
	if err := json.Unmarshal([]byte(userData), &d); err != nil {
		return User{}, Errorf(CodeUnauthorized, "The user_data is not a JSON object "+
			"with a text for an id and a list for a watchlist")
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
		id, ok := parseID(raw)
		if !ok || seen[id] || ValidateUserID(id) != nil {
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

// ValidateUserID returns nil if a client can sign in as the user: the ID has 1 to MaxUserID of the
// characters of channel names.
func ValidateUserID(id string) error {
	if id == "" || len(id) > MaxUserID {
		return Errorf(CodeUnauthorized,
			"The user id has %d bytes, it may have 1 to %d", len(id), MaxUserID)
	}
	if r, bad := invalidRune(id); bad {
		return Errorf(CodeUnauthorized,
			"Invalid user id %q: %q is not one of A-Z a-z 0-9 _ - = @ , . ;", id, r)
	}
	return nil
}

// parseID accepts a text, which must not be empty, or a number, which keeps its digits.
func parseID(raw json.RawMessage) (id string, ok bool) {
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

// compact removes the spaces between the values of a JSON text. It returns nil for null.
func compact(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || strings.TrimSpace(string(raw)) == "null" {
		return nil
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return nil // cannot happen: raw was decoded before
	}
	return b.Bytes()
}
