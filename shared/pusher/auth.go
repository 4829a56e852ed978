package pusher

import (
	"crypto/hmac"
	"strings"
)

// Authorize checks the signature that the app's own server gave the client for a private channel
// (docs/protocol.md §3.2). Public channels need none. The app signs the channel data as the exact
// string that the client sends. If it is empty, both forms of the signed text are accepted: with
// and without the colon in front of it.
func (a App) Authorize(id SocketID, ch Channel, channelData, auth string) error {
	if !ch.Private() {
		return nil
	}
	if auth == "" {
		return Errorf(CodeUnauthorized, "Auth info required to subscribe to %s", ch)
	}
	key, signature, found := strings.Cut(auth, ":")
	if !found {
		return Errorf(CodeUnauthorized,
			"Auth value for subscription to %s is invalid: should be of format 'key:signature'", ch)
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
	return invalidSignature(signed, signature)
}

// AuthorizeUser checks the signature that the app's own server gave the client for a sign-in on one
// connection (docs/protocol.md §3.2). The app signs the user data as the exact string that the
// client sends.
func (a App) AuthorizeUser(id SocketID, userData, auth string) error {
	key, signature, found := strings.Cut(auth, ":")
	if !found {
		return Errorf(CodeUnauthorized,
			"Auth value for signing in is invalid: should be of format 'key:signature'")
	}
	if !hmac.Equal([]byte(key), []byte(a.Key)) {
		return Errorf(CodeUnauthorized, "Invalid key in sign-in auth data: '%.64s'", key)
	}
	signed := string(id) + "::user::" + userData
	if a.signs(signed, signature) {
		return nil
	}
	return invalidSignature(signed, signature)
}

// invalidSignature quotes both texts, but cut: a client must not make Hark send long frames.
func invalidSignature(signed, signature string) *Error {
	return Errorf(CodeUnauthorized,
		"Invalid signature: Expected HMAC SHA256 hex digest of %.300s, but got %.128s",
		signed, signature)
}
