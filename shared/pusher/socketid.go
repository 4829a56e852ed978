package pusher

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
)

// ConnectionID is API Gateway's ID of a connection. So far it is always base64 of 11 bytes, but AWS
// does not promise its form (docs/aws.md §A5).
type ConnectionID string

// SocketID is the Pusher protocol's ID of a connection: two decimal integers with a dot between
// them (docs/protocol.md §1.3). It is part of every signed auth string.
type SocketID string

// idBytes is the length of a decoded connection ID. In a socket ID eight of the bytes are in front
// of the dot and three behind it.
const idBytes = 11

// SocketID returns the connection's socket ID. Connection IDs and socket IDs are two forms of the
// same 11 bytes, so nothing is stored or looked up. If the connection ID is not base64 of 11 bytes,
// the socket ID has the first 11 bytes of its SHA-256 (docs/decisions/0009-socket-ids.md).
func (c ConnectionID) SocketID() SocketID {
	var b [idBytes]byte
	if !c.decode(&b) {
		sum := sha256.Sum256([]byte(c))
		copy(b[:], sum[:])
	}
	n := make([]byte, 0, 29) // 20 digits, a dot, 8 digits
	n = strconv.AppendUint(n, binary.BigEndian.Uint64(b[:8]), 10)
	n = append(n, '.')
	n = strconv.AppendUint(n, uint64(b[8])<<16|uint64(b[9])<<8|uint64(b[10]), 10)
	return SocketID(n)
}

// decode fills b with the bytes of the ID and reports whether it is base64 of 11 bytes. AWS does
// not document the alphabet, so both of base64's are accepted.
func (c ConnectionID) decode(b *[idBytes]byte) bool {
	const length = 16
	if len(c) != length {
		return false
	}
	var buf [length]byte // DecodedLen of 16 is 12, one more than the padding leaves
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		if n, err := enc.Strict().Decode(buf[:], []byte(c)); err == nil && n == idBytes {
			copy(b[:], buf[:])
			return true
		}
	}
	return false
}

// Valid reports whether the socket ID has the form that every server SDK demands: digits, a dot,
// digits.
func (s SocketID) Valid() bool {
	dot := 0
	for i := range len(s) {
		switch {
		case s[i] >= '0' && s[i] <= '9':
		case s[i] == '.' && dot == 0 && i > 0:
			dot = i
		default:
			return false
		}
	}
	return dot > 0 && dot < len(s)-1
}
