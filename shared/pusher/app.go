package pusher

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// App is a tenant: its clients and publishers share its credentials and settings.
type App struct {
	ID     string // [A-Za-z0-9_-]{1,64}: part of every key in the state table
	Key    string // public: in the clients' URL
	Secret string // signs; never in a log, an output or an error
	Settings
}

// MaxName is the longest ID or key of an app.
const MaxName = 64

// ValidName reports whether the text may be an app's ID or key: 1 to 64 of A-Z a-z 0-9 _ -
// (docs/decisions/0008-apps-table.md).
func ValidName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= MaxName
}

// Sign returns the lower-case hex HMAC-SHA256 of the text under the app's secret.
func (a App) Sign(text string) string {
	mac := hmac.New(sha256.New, []byte(a.Secret))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// signs reports, in constant time, whether the signature is the app's for the text.
func (a App) signs(text, signature string) bool {
	return hmac.Equal([]byte(a.Sign(text)), []byte(signature))
}
