package pusher

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // the protocol's body digest; the HMAC over it is what protects
	"encoding/hex"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ClockSkew is how far a request's timestamp may be from our clock, either way (protocol.md §5.1).
const ClockSkew = 600 * time.Second

// SignedRequest is what a publisher signs of an HTTP request.
type SignedRequest struct {
	Method   string
	Path     string // as it was sent, from "/apps/" on: neither a host's prefix nor a stage belongs to it
	RawQuery string
	Body     []byte
}

// Verify returns nil if the app's secret signed the request within ClockSkew of now, else an *Error that says which of the
// five conditions of protocol.md §5.1 is not met: key, version, timestamp, body digest, signature. It never names the secret.
func (a App) Verify(r SignedRequest, now time.Time) error {
	q := parseQuery(r.RawQuery)
	if !hmac.Equal([]byte(q["auth_key"]), []byte(a.Key)) {
		return Errorf(CodeUnauthorized, "Unknown auth_key")
	}
	if v := q["auth_version"]; v != "1.0" {
		return Errorf(CodeUnauthorized, "Invalid version: auth_version is %q, should be 1.0", v)
	}
	sec, err := strconv.ParseInt(q["auth_timestamp"], 10, 64)
	if err != nil || !within(now, sec) {
		return Errorf(CodeUnauthorized, "Timestamp expired: Given timestamp (%s) not within %.0fs of server time (%s)",
			stamp(q["auth_timestamp"], sec, err), ClockSkew.Seconds(), now.UTC().Format(time.RFC3339))
	}
	if err := checkDigest(q, r.Body); err != nil {
		return err
	}
	params := signedParams(q)
	text := r.Method + "\n" + r.Path + "\n" + params
	if a.signs(text, q["auth_signature"]) {
		return nil
	}
	// Some SDKs sign the path before their HTTP layer encodes it.
	if decoded, err := url.PathUnescape(r.Path); err == nil && decoded != r.Path &&
		a.signs(r.Method+"\n"+decoded+"\n"+params, q["auth_signature"]) {
		return nil
	}
	return Errorf(CodeUnauthorized, "Invalid signature: you should have sent HmacSHA256Hex(%q, your_secret_key), but you sent %q",
		text, q["auth_signature"])
}

// within compares in seconds, so that no timestamp overflows a duration.
func within(now time.Time, sec int64) bool {
	limit := int64(ClockSkew / time.Second)
	return sec >= now.Unix()-limit && sec <= now.Unix()+limit
}

func stamp(text string, sec int64, err error) string {
	if err != nil {
		return text
	}
	return time.Unix(sec, 0).UTC().Format(time.RFC3339)
}

func checkDigest(q map[string]string, body []byte) error {
	given, has := q["body_md5"]
	if !has && len(body) == 0 {
		return nil
	}
	sum := md5.Sum(body) //nolint:gosec // as above
	if want := hex.EncodeToString(sum[:]); !hmac.Equal([]byte(want), []byte(given)) {
		return Errorf(CodeUnauthorized, "Invalid body_md5: the body's digest is %s, but you sent %q", want, given)
	}
	return nil
}

// signedParams joins all parameters but the signature as k=v, sorted by key, decoded.
func signedParams(q map[string]string) string {
	keys := make([]string, 0, len(q))
	for k := range q {
		if k != "auth_signature" {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	var b strings.Builder
	for i, k := range keys {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(k + "=" + q[k])
	}
	return b.String()
}

// parseQuery decodes a query as the SDKs write it: parted at & only (a raw ; is data), keys in lower case, and an array's
// k[]=a&k[1]=b folded into k=a,b, which is what was signed.
func parseQuery(raw string) map[string]string {
	q := make(map[string]string)
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		k, v, _ := strings.Cut(pair, "=")
		k, v = strings.ToLower(unescape(k)), unescape(v)
		if name, index, found := strings.Cut(k, "["); found && strings.HasSuffix(index, "]") {
			if before, has := q[name]; has {
				v = before + "," + v
			}
			k = name
		}
		q[k] = v
	}
	return q
}

// unescape decodes a part of a query; what is not valid escaping stands for itself, and then fails at the signature.
func unescape(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}
