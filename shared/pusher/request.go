package pusher

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // the protocol's body digest; the HMAC over it is what protects
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ClockSkew is how far a request's timestamp may be from our clock, either way (docs/protocol.md §5.1).
const ClockSkew = 600 * time.Second

// SignedRequest is what a publisher signs of an HTTP request.
type SignedRequest struct {
	Method   string
	Path     string // as it was sent, from "/apps/" on: neither a host's prefix nor a stage belongs to it
	RawQuery string
	Body     []byte
}

// Params are the query's parameters, which the signature covers in just this form: what a server acts on must come from here. A
// query is read as the SDKs write it: parted at & only (a raw ; is data), keys in lower case, of two equal ones the last, and an
// array's k[]=a&k[1]=b folded into k=a,b.
func (r SignedRequest) Params() map[string]string {
	params := make(map[string]string)
	for pair := range strings.SplitSeq(r.RawQuery, "&") {
		if pair == "" {
			continue
		}
		k, v, _ := strings.Cut(pair, "=")
		k, v = strings.ToLower(unescape(k)), unescape(v)
		if name, index, found := strings.Cut(k, "["); found && strings.HasSuffix(index, "]") {
			if before, has := params[name]; has {
				v = before + "," + v
			}
			k = name
		}
		params[k] = v
	}
	return params
}

// Text is what the publisher should have signed: the method, the path and all parameters but the signature, sorted by key and
// decoded (docs/protocol.md §5.1).
func (r SignedRequest) Text() string { return signedText(r.Method, r.Path, r.Params()) }

func signedText(method, path string, params map[string]string) string {
	keys := make([]string, 0, len(params))
	for k := range params {
		if k != "auth_signature" {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for i, k := range keys {
		keys[i] = k + "=" + params[k]
	}
	return method + "\n" + path + "\n" + strings.Join(keys, "&")
}

// Verify returns nil if the app's secret signed the request within ClockSkew of now, else an *HTTPError (401) that says which of the
// five conditions of docs/protocol.md §5.1 is not met: key, version, timestamp, body digest, signature. It never names the secret.
func (a App) Verify(r SignedRequest, now time.Time) error {
	q := r.Params()
	if !hmac.Equal([]byte(q["auth_key"]), []byte(a.Key)) {
		return HTTPErrorf(http.StatusUnauthorized, "Unknown auth_key")
	}
	if v := q["auth_version"]; v != "1.0" {
		return HTTPErrorf(http.StatusUnauthorized, "Invalid version: auth_version is %.60q, should be 1.0", v)
	}
	sec, err := strconv.ParseInt(q["auth_timestamp"], 10, 64)
	if err != nil || !within(now, sec) {
		return HTTPErrorf(http.StatusUnauthorized, "Timestamp expired: Given timestamp (%.60s) not within %.0fs of server time (%s)",
			stamp(q["auth_timestamp"], sec, err), ClockSkew.Seconds(), now.UTC().Format(time.RFC3339))
	}
	if err := checkDigest(q, r.Body); err != nil {
		return err
	}
	if err := checkParams(q); err != nil {
		return err
	}
	text := signedText(r.Method, r.Path, q)
	if a.signs(text, q["auth_signature"]) {
		return nil
	}
	if path, ok := decodedPath(r.Path); ok && a.signs(signedText(r.Method, path, q), q["auth_signature"]) {
		return nil
	}
	return HTTPErrorf(http.StatusUnauthorized, "Invalid signature: you should have sent HmacSHA256Hex(%.400q, your_secret_key), but you sent %.64q",
		text, q["auth_signature"])
}

// decodedPath is what an SDK signed that signs a path before its HTTP layer encodes it. A path that could be decoded once more is
// not taken: signed as it is, it would be that of another request.
func decodedPath(path string) (string, bool) {
	decoded, err := url.PathUnescape(path)
	if err != nil || decoded == path {
		return "", false
	}
	again, err := url.PathUnescape(decoded)
	return decoded, err != nil || again == decoded
}

// checkParams refuses parameters that could be taken for others, since they are signed decoded: a=1%26b=2 is signed like a=1&b=2.
// No SDK sends such ones.
func checkParams(q map[string]string) error {
	for k, v := range q {
		if strings.ContainsAny(k, "&=") || strings.Contains(v, "&") {
			return HTTPErrorf(http.StatusUnauthorized, "Invalid parameter %.60q: neither a name nor a value may hold an encoded &, nor a name an encoded =", k)
		}
	}
	return nil
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
		return HTTPErrorf(http.StatusUnauthorized, "Invalid body_md5: the body's digest is %s, but you sent %.64q", want, given)
	}
	return nil
}

// unescape decodes a part of a query; what is not valid escaping stands for itself, and then fails at the signature.
func unescape(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}
