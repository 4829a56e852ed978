package gateway

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
)

// An ID is 11 bytes in base64: 16 characters that end in "=". In all IDs seen of a kind the tenth
// byte was the same: 2 in connection and message IDs, 5 in request IDs (docs/aws.md §A5;
// aws-lambda-go, events/testdata).
const (
	idBytes          = 11
	kindConnection   = 2
	kindRequest      = 5
	idLength         = 16
	positionOfIDKind = 9
)

func newConnectionID() string { return newID(kindConnection) }

func newID(kind byte) string {
	var b [idBytes]byte
	rand.Read(b[:]) // never fails
	b[positionOfIDKind] = kind
	return base64.URLEncoding.EncodeToString(b[:])
}

// wellFormed reports whether id has the form of a connection ID. API Gateway answers 400 to IDs
// that have not, and 410 to well-formed ones that no connection has.
func wellFormed(id string) bool {
	if len(id) != idLength {
		return false
	}
	for _, alphabet := range []*base64.Encoding{base64.URLEncoding, base64.StdEncoding} {
		var b [idLength]byte
		if n, err := alphabet.Decode(b[:], []byte(id)); err == nil && n == idBytes {
			return true
		}
	}
	return false
}

// traceID returns the X-Amzn-Trace-Id of a new trace.
func traceID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	h := hex.EncodeToString(b[:])
	return "Root=1-" + h[:8] + "-" + h[8:]
}
