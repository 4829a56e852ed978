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

// ClockSkew is how far a request's timestamp may be from the server's clock, in either direction
// (docs/protocol.md §5.1).
const ClockSkew = 600 * time.Second

// SignedRequest is the part of an HTTP request that its publisher signs.
type SignedRequest struct {
	Method   string
	Path     string // as it was sent, from "/apps/" on, without a prefix or a stage
	RawQuery string
	Body     []byte
}

// Params returns the query's parameters in the form that the signature covers. A server must act on
// these and on no other reading of the query.
//
// The query is read as the SDKs write it. Only & separates parameters: a raw ; is data. Keys are
// turned into lower case. Of two equal keys the last one wins. An array k[]=a&k[1]=b becomes k=a,b.
func (r SignedRequest) Params() map[string]string {
	params := make(map[string]string)
	for pair := range strings.SplitSeq(r.RawQuery, "&") {
		if pair == "" {
			continue
		}
		k, v, _ := strings.Cut(pair, "=")
		k, v = strings.ToLower(unescape(k)), unescape(v)
		if name, index, found := strings.Cut(k, "["); found && strings.HasSuffix(index, "]") {
			if earlier, found := params[name]; found {
				v = earlier + "," + v
			}
			k = name
		}
		params[k] = v
	}
	return params
}

// Text returns the text that the publisher should have signed: the method, the path and all
// parameters but the signature, sorted by key and decoded (docs/protocol.md §5.1).
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

// Verify returns nil if the request was signed with the app's secret within ClockSkew of now. Else
// it returns an *HTTPError (401) that says which of the five conditions of docs/protocol.md §5.1 is
// not met: key, version, timestamp, body digest, signature. The error never contains the secret.
func (a App) Verify(r SignedRequest, now time.Time) error {
	q := r.Params()
	if !hmac.Equal([]byte(q["auth_key"]), []byte(a.Key)) {
		return unauthorizedf("Unknown auth_key")
	}
	if v := q["auth_version"]; v != "1.0" {
		return unauthorizedf("Invalid version: auth_version is %.60q, should be 1.0", v)
	}
	sec, err := strconv.ParseInt(q["auth_timestamp"], 10, 64)
	if err != nil || !within(now, sec) {
		return unauthorizedf(
			"Timestamp expired: Given timestamp (%.60s) not within %.0fs of server time (%s)",
			stamp(q["auth_timestamp"], sec, err), ClockSkew.Seconds(),
			now.UTC().Format(time.RFC3339),
		)
	}
	if err := checkDigest(q, r.Body); err != nil {
		return err
	}
	if err := checkParams(q); err != nil {
		return err
	}
	text, signature := signedText(r.Method, r.Path, q), q["auth_signature"]
	if a.signs(text, signature) {
		return nil
	}
	if path, ok := decodedPath(r.Path); ok && a.signs(signedText(r.Method, path, q), signature) {
		return nil
	}
	return unauthorizedf("Invalid signature: you should have sent "+
		"HmacSHA256Hex(%.400q, your_secret_key), but you sent %.64q", text, signature)
}

func unauthorizedf(format string, args ...any) *HTTPError {
	return HTTPErrorf(http.StatusUnauthorized, format, args...)
}

// decodedPath returns the path that was signed by an SDK which signs paths before its HTTP layer
// encodes them. It refuses a path that could be decoded once more: the signature of the decoded
// path would also be valid for another request.
func decodedPath(path string) (string, bool) {
	decoded, err := url.PathUnescape(path)
	if err != nil || decoded == path {
		return "", false
	}
	again, err := url.PathUnescape(decoded)
	return decoded, err != nil || again == decoded
}

// checkParams refuses parameters that could be mistaken for others, because the signed text has
// them decoded: a=1%26b=2 and a=1&b=2 have the same text. No SDK sends such parameters.
func checkParams(q map[string]string) error {
	for k, v := range q {
		if strings.ContainsAny(k, "&=") || strings.Contains(v, "&") {
			return unauthorizedf("Invalid parameter %.60q: "+
				"neither a name nor a value may hold an encoded &, nor a name an encoded =", k)
		}
	}
	return nil
}

// within compares seconds, because the difference of two times could overflow a duration.
func within(now time.Time, sec int64) bool {
	limit := int64(ClockSkew / time.Second)
	return sec >= now.Unix()-limit && sec <= now.Unix()+limit
}

// stamp returns a timestamp as the error shows it: readable if it is a number.
func stamp(text string, sec int64, err error) string {
	if err != nil {
		return text
	}
	return time.Unix(sec, 0).UTC().Format(time.RFC3339)
}

// checkDigest refuses a body that does not have the digest in the query. An empty body needs none.
func checkDigest(q map[string]string, body []byte) error {
	given, found := q["body_md5"]
	if !found && len(body) == 0 {
		return nil
	}
	sum := md5.Sum(body) //nolint:gosec // as above
	if want := hex.EncodeToString(sum[:]); !hmac.Equal([]byte(want), []byte(given)) {
		return unauthorizedf(
			"Invalid body_md5: the body's digest is %s, but you sent %.64q", want, given)
	}
	return nil
}

// unescape decodes a part of a query. A part that is not validly escaped is left as it is: its
// signature then decides.
func unescape(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}
