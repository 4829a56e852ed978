package pusher_test

import (
	"encoding/base64"
	"encoding/binary"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"hark/shared/pusher"
)

// what every server SDK demands (docs/protocol.md §1.3)
var socketIDs = regexp.MustCompile(`^\d+\.\d+$`)

func TestSocketID(t *testing.T) {
	for _, c := range []struct {
		name string
		id   pusher.ConnectionID
		want pusher.SocketID
	}{
		{"an ID from AWS's documents", "L0SM9cOFvHcCIhw=", "3406002205374135415.139804"},
		{"all zero", "AAAAAAAAAAAAAAA=", "0.0"},
		{"all ones, in the standard alphabet", "//////////////8=", "18446744073709551615.16777215"},
		{"all ones, in the URL alphabet", "______________8=", "18446744073709551615.16777215"},
		{"zeros in front of either half are not written", "AAAAAAAAAAEAAAE=", "1.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.id.SocketID(); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// A connection ID that is not base64 of 11 bytes still has a socket ID of its own.
func TestSocketIDOfOtherConnectionIDs(t *testing.T) {
	const usual = pusher.ConnectionID("L0SM9cOFvHcCIhw=")
	seen := map[pusher.SocketID]pusher.ConnectionID{usual.SocketID(): usual}
	for name, id := range map[string]pusher.ConnectionID{
		"empty": "",
		"16 hex digits, which are base64 of 12 bytes": "0123456789abcdef",
		"other 16 hex digits":                         "0123456789abcdee",
		"a UUID":                                      "d9c5e1a2-2f0a-4c3c-9b57-4e2a51b37d11",
		"no padding":                                  "L0SM9cOFvHcCIhw",
		"two paddings":                                "L0SM9cOFvHcCIg==",
		"bits set behind the last byte":               "L0SM9cOFvHcCIhx=",
		"a longer one":                                "L0SM9cOFvHcCIhwAAA==",
		"line feeds, which base64 ignores":            "L0SM9cOF\n\n\n\nIhw=",
		"not ASCII":                                   "äöüäöüäö",
	} {
		t.Run(name, func(t *testing.T) {
			got := id.SocketID()
			if !socketIDs.MatchString(string(got)) || !got.Valid() {
				t.Errorf("%q is no socket ID", got)
			}
			if got != id.SocketID() {
				t.Error("it changes")
			}
			if other, ok := seen[got]; ok {
				t.Errorf("%q and %q share %s", id, other, got)
			}
			seen[got] = id
		})
	}
}

// The socket ID has all 11 bytes of the connection ID, so no two connections share one
// (docs/protocol.md §9, 7).
func TestSocketIDIsReversible(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		var b [16]byte
		binary.BigEndian.PutUint64(b[:], random.Uint64())
		binary.BigEndian.PutUint64(b[8:], random.Uint64())
		for _, alphabet := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			id := pusher.ConnectionID(alphabet.EncodeToString(b[:11]))
			s := id.SocketID()
			if !socketIDs.MatchString(string(s)) || !s.Valid() {
				t.Fatalf("%s became %s", id, s)
			}
			if got := bytesOf(t, s); got != [11]byte(b[:11]) {
				t.Fatalf("%s became %s, which is %x", id, s, got)
			}
		}
	}
}

func bytesOf(t *testing.T, s pusher.SocketID) (b [11]byte) {
	t.Helper()
	high, low, _ := strings.Cut(string(s), ".")
	binary.BigEndian.PutUint64(b[:], parse(t, high))
	n := parse(t, low)
	b[8], b[9], b[10] = byte(n>>16), byte(n>>8), byte(n)
	return b
}

func TestSocketIDValid(t *testing.T) {
	for id, want := range map[pusher.SocketID]bool{
		"1.2": true, "482915.77120345": true, "0.0": true, "00.00": true,
		"18446744073709551616.1": true,

		"": false, ".": false, "1.": false, ".1": false, "1": false, "1.2.3": false,
		"1..2": false, "-1.2": false, "1.2\n": false, " 1.2": false,
		"1,2": false, "1e3.2": false, "\u0661.\u0662": false,
	} {
		if got := id.Valid(); got != want {
			t.Errorf("%q: got %t, want %t", id, got, want)
		}
		if got := socketIDs.MatchString(string(id)); got != want {
			t.Errorf("%q: the SDKs say %t, this table %t", id, got, want)
		}
	}
}
