package pusher

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// App is a tenant: the credentials that its clients and publishers use, and what they may do.
type App struct {
	ID     string // [A-Za-z0-9_-]{1,64}: part of every key in the state table
	Key    string // public: in the clients' URL
	Secret string // signs; never in a log, an output or an error
	Settings
}

// MaxName is how long an app's ID or key may be.
const MaxName = 64

// ValidName reports whether the text may be an app's ID or key: 1 to 64 of A-Z a-z 0-9 _ - (docs/decisions/0008-apps-table.md).
func ValidName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= MaxName
}

// Authorize checks the signature that the app's own server gave the client for a private channel (docs/protocol.md §3.2).
// Public channels need none. The channel data, if there is any, is signed as the exact string that was received; an
// empty one may or may not have been signed with its colon.
func (a App) Authorize(id SocketID, ch Channel, channelData, auth string) error {
	if !ch.Private() {
		return nil
	}
	if auth == "" {
		return Errorf(CodeUnauthorized, "Auth info required to subscribe to %s", ch)
	}
	key, signature, found := strings.Cut(auth, ":")
	if !found {
		return Errorf(CodeUnauthorized, "Auth value for subscription to %s is invalid: should be of format 'key:signature'", ch)
	}
	if !hmac.Equal([]byte(key), []byte(a.Key)) {
		return Errorf(CodeUnauthorized, "Invalid key in subscription auth data: '%.64s'", key)
	}
	signed := string(id) + ":" + string(ch)
	if channelData != "" {
		signed += ":" + channelData
	}
	if a.signs(signed, signature) || channelData == "" && a.signs(signed+":", signature) {
		return nil
	}
	return Errorf(CodeUnauthorized, "Invalid signature: Expected HMAC SHA256 hex digest of %.300s, but got %.128s", signed, signature)
}

// AuthorizeUser checks the signature with which the app's own server vouches for a user on one connection (docs/protocol.md §3.2). The
// user data is signed as the exact string that was received.
func (a App) AuthorizeUser(id SocketID, userData, auth string) error {
	key, signature, found := strings.Cut(auth, ":")
	if !found {
		return Errorf(CodeUnauthorized, "Auth value for signing in is invalid: should be of format 'key:signature'")
	}
	if !hmac.Equal([]byte(key), []byte(a.Key)) {
		return Errorf(CodeUnauthorized, "Invalid key in sign-in auth data: '%.64s'", key)
	}
	signed := string(id) + "::user::" + userData
	if a.signs(signed, signature) {
		return nil
	}
	return Errorf(CodeUnauthorized, "Invalid signature: Expected HMAC SHA256 hex digest of %.300s, but got %.128s", signed, signature)
}

// signs reports, in constant time, whether the signature is the app's for the text.
func (a App) signs(text, signature string) bool {
	return hmac.Equal([]byte(a.Sign(text)), []byte(signature))
}

// Sign returns the lower-case hex HMAC-SHA256 of the text under the app's secret.
func (a App) Sign(text string) string {
	mac := hmac.New(sha256.New, []byte(a.Secret))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}
