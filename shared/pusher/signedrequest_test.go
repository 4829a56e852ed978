package pusher_test

import (
	"crypto/md5" //nolint:gosec // the protocol's
	"encoding/hex"
	"errors"
	"maps"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"hark/shared/pusher"
)

func parse(t *testing.T, s string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

const body = `{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}`

func digest(body string) string {
	sum := md5.Sum([]byte(body)) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])
}

// The vectors of docs/protocol.md §5.1, each as printed there.
func TestVerify(t *testing.T) {
	for _, v := range []struct {
		name, method, path, query, body, signature string
		at                                         int64
	}{
		{
			"publishing", "POST", "/apps/3/events",
			"auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0" +
				"&body_md5=ec365a775a4cd0599faeb73354201b6f",
			body, "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c", 1353088179,
		},
		{
			"ending a user's connections", "POST", "/apps/3/users/42/terminate_connections",
			"auth_key=278d425bdf160c739803&auth_timestamp=1700000000&auth_version=1.0" +
				"&body_md5=99914b932bd37a50b983c5e7c90ae93b",
			"{}", "1aaa870f66697b14779b4f5d36bbea0e4d9f2190a17bd7b16fc46b6bd373690e", 1700000000,
		},
		{
			"97 asking for channels, with a comma as Node and Go send it", "GET",
			"/apps/3/channels",
			"auth_key=278d425bdf160c739803&auth_timestamp=1700000000&auth_version=1.0" +
				"&filter_by_prefix=presence-&info=user_count,subscription_count",
			"", "bd4f0abccabc55f58daddd1558f9a7cefabbcd3688d2e26a8aa27735bc7305c7", 1700000000,
		},
		{
			"97 with a comma as PHP sends it", "GET", "/apps/3/channels",
			"auth_key=278d425bdf160c739803&auth_timestamp=1700000000&auth_version=1.0" +
				"&filter_by_prefix=presence-&info=user_count%2Csubscription_count",
			"", "bd4f0abccabc55f58daddd1558f9a7cefabbcd3688d2e26a8aa27735bc7305c7", 1700000000,
		},
		{
			"98 with an array as PHP sends it", "GET", "/apps/3/channels",
			"auth_key=278d425bdf160c739803&auth_timestamp=1700000000&auth_version=1.0" +
				"&filter_by_prefix=presence-&info%5B0%5D=user_count&info%5B1%5D=subscription_count",
			"", "bd4f0abccabc55f58daddd1558f9a7cefabbcd3688d2e26a8aa27735bc7305c7", 1700000000,
		},
		{
			"98 with an array without indices", "GET", "/apps/3/channels",
			"auth_key=278d425bdf160c739803&auth_timestamp=1700000000&auth_version=1.0" +
				"&filter_by_prefix=presence-&info[]=user_count&info[]=subscription_count",
			"", "bd4f0abccabc55f58daddd1558f9a7cefabbcd3688d2e26a8aa27735bc7305c7", 1700000000,
		},
		{
			"parameters in any order, keys in any case", "GET", "/apps/3/channels",
			"INFO=user_count,subscription_count&auth_version=1.0&Auth_Timestamp=1700000000" +
				"&filter_by_prefix=presence-&auth_key=278d425bdf160c739803",
			"", "bd4f0abccabc55f58daddd1558f9a7cefabbcd3688d2e26a8aa27735bc7305c7", 1700000000,
		},
	} {
		t.Run(v.name, func(t *testing.T) {
			r := pusher.SignedRequest{
				Method: v.method, Path: v.path,
				RawQuery: v.query + "&auth_signature=" + v.signature, Body: []byte(v.body),
			}
			if err := app().Verify(r, time.Unix(v.at, 0)); err != nil {
				t.Error(err)
			}
		})
	}
}

// The digest of docs/protocol.md §5.1, as printed there.
func TestTheDigestOfABody(t *testing.T) {
	if got := digest(body); got != "ec365a775a4cd0599faeb73354201b6f" {
		t.Error(got)
	}
}

var now = time.Unix(1700000000, 0)

// params returns the parameters of a signed request. Each change that is not "" replaces one.
func params(change ...string) []string {
	p := []string{
		"auth_key=278d425bdf160c739803", "auth_timestamp=1700000000", "auth_version=1.0",
		"body_md5=" + digest(body),
	}
	for i, c := range change {
		if c != "" {
			p[i] = c
		}
	}
	return p
}

// post returns a publish with those parameters and a valid signature.
func post(params []string) pusher.SignedRequest {
	return signedAs(pusher.App.Sign, "POST", "/apps/3/events", body, params...)
}

// at returns a publish with that timestamp.
func at(sec int64) pusher.SignedRequest {
	return post(params("", "auth_timestamp="+strconv.FormatInt(sec, 10)))
}

// signed returns a request that was signed with the parameters in the order given, not encoded.
func signed(path string, extra ...string) pusher.SignedRequest {
	return signedAs(pusher.App.Sign, "POST", path, body, append([]string{
		"auth_key=278d425bdf160c739803", "auth_timestamp=1700000000", "auth_version=1.0",
		"body_md5=" + digest(body),
	}, extra...)...)
}

func signedAs(
	sign func(pusher.App, string) string, method, path, body string, params ...string,
) pusher.SignedRequest {
	query := strings.Join(params, "&")
	return pusher.SignedRequest{
		Method: method, Path: path, Body: []byte(body),
		RawQuery: query + "&auth_signature=" + sign(app(), method+"\n"+path+"\n"+query),
	}
}

type verifyCase struct {
	name string
	r    pusher.SignedRequest
	ok   bool
}

func (c verifyCase) check(t *testing.T) {
	t.Helper()
	err := app().Verify(c.r, now)
	if !c.ok {
		unauthorized(t, err)
	} else if err != nil {
		t.Error(err)
	}
}

// The numbers are those of docs/protocol.md §9.
func TestVerifyChecksTheTimestamp(t *testing.T) {
	for _, c := range []verifyCase{
		{"93 as it should be", post(params()), true},
		{"95 599 s old", at(1700000000 - 599), true},
		{"95 599 s ahead", at(1700000000 + 599), true},
		{"95 600 s old", at(1700000000 - 600), true},
		{"95 601 s old", at(1700000000 - 601), false},
		{"95 601 s ahead", at(1700000000 + 601), false},
		{"95 before all time", at(math.MinInt64), false},
		{"95 after all time", at(math.MaxInt64), false},
		{
			"a timestamp too large for a number",
			post(params("", "auth_timestamp=9223372036854775808")), false,
		},
		{"a timestamp in milliseconds", at(1700000000000), false},
		{"a timestamp that is no number", post(params("", "auth_timestamp=soon")), false},
		{"no timestamp", post(params("", "auth_timestamp=")), false},
	} {
		t.Run(c.name, c.check)
	}
}

// The numbers are those of docs/protocol.md §9.
func TestVerifyChecksKeyVersionAndDigest(t *testing.T) {
	for _, c := range []verifyCase{
		{"96 another app's key", post(params("auth_key=other")), false},
		{"96 the app's ID for its key", post(params("auth_key=3")), false},
		{"96 no key", post(params("auth_key=")), false},
		{"another version", post(params("", "", "auth_version=1.1")), false},
		{"no version", post(params("", "", "auth_version=")), false},
		{"another body's digest", post(params("", "", "", "body_md5="+digest("{}"))), false},
		{
			"a digest in upper case",
			post(params("", "", "", "body_md5="+strings.ToUpper(digest(body)))), false,
		},
		{"no digest beside a body", post(params()[:3]), false},
		{
			"no digest and no body",
			signedAs(pusher.App.Sign, "GET", "/apps/3/channels", "", params()[:3]...), true,
		},
		{
			"the digest of no body, as PHP sends it",
			signedAs(pusher.App.Sign, "POST", "/apps/3/events", "",
				params("", "", "", "body_md5="+digest(""))...),
			true,
		},
	} {
		t.Run(c.name, c.check)
	}
}

// The numbers are those of docs/protocol.md §9.
func TestVerifyChecksTheSignature(t *testing.T) {
	for _, c := range []verifyCase{
		{"another secret", signedAs(func(_ pusher.App, text string) string {
			return pusher.App{Secret: "x"}.Sign(text)
		}, "POST", "/apps/3/events", body, params()...), false},
		{"no signature", pusher.SignedRequest{
			Method: "POST", Path: "/apps/3/events", RawQuery: strings.Join(params(), "&"),
			Body: []byte(body),
		}, false},
		{"nothing at all", pusher.SignedRequest{}, false},
		{"94 a signature behind the signature is not signed", func() pusher.SignedRequest {
			r := post(params())
			r.RawQuery += "&auth_signature=" + strings.Repeat("0", 64)
			return r
		}(), false},
	} {
		t.Run(c.name, c.check)
	}
}

// The SDKs' HTTP layers change queries and paths after these were signed (docs/protocol.md §5.1).
func TestVerifyEncodings(t *testing.T) {
	for _, c := range []struct {
		name       string
		signed     string // the parameter as it was signed
		sent       string // as it was sent
		path, wire string
	}{
		{"a raw semicolon", "filter_by_prefix=a;b", "filter_by_prefix=a;b", "", ""},
		{"an encoded semicolon", "filter_by_prefix=a;b", "filter_by_prefix=a%3Bb", "", ""},
		{"a space as a plus sign", "filter_by_prefix=a b", "filter_by_prefix=a+b", "", ""},
		{
			"a percent sign that encodes nothing", "filter_by_prefix=100%", "filter_by_prefix=100%",
			"", "",
		},
		{"an equals sign in a value", "filter_by_prefix=a=b", "filter_by_prefix=a=b", "", ""},
		{"an empty value", "filter_by_prefix=", "filter_by_prefix=", "", ""},
		{"an array of one", "info=a", "info%5B%5D=a", "", ""},
		{
			"a path that was signed before it was encoded", "info=a", "info=a",
			"/apps/3/channels/a@b,c", "/apps/3/channels/a%40b%2Cc",
		},
		{
			"a path that was signed as it was sent", "info=a", "info=a", "/apps/3/channels/a%40b",
			"/apps/3/channels/a%40b",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := c.path
			if path == "" {
				path, c.wire = "/apps/3/events", "/apps/3/events"
			}
			r := signed(path, c.signed)
			r.Path, r.RawQuery = c.wire, strings.Replace(r.RawQuery, c.signed, c.sent, 1)
			if err := app().Verify(r, now); err != nil {
				t.Error(err)
			}
		})
	}
}

// The signed text has parameters decoded: no two requests may have the same (docs/protocol.md
// §5.1).
func TestVerifyRefusesARequestWithTheTextOfAnother(t *testing.T) {
	for _, c := range []struct{ name, signed, sent, path, wire string }{
		{
			"two parameters as one", "filter_by_prefix=a&info=user_count",
			"filter_by_prefix=a%26info%3Duser_count", "", "",
		},
		{
			"two parameters as one with a longer name", "filter_by_prefix=a&info=user_count",
			"filter_by_prefix%3Da%26info=user_count", "", "",
		},
		{"one parameter as two", "info=a&x=b", "info=a%26x=b", "", ""},
		{
			"a longer name and a shorter value", "filter_by_prefix=a=b", "filter_by_prefix%3Da=b",
			"", "",
		},
		{
			"a path that was signed encoded, encoded once more", "x=a", "x=a",
			"/apps/3/users/a%40b/x", "/apps/3/users/a%2540b/x",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.path == "" {
				c.path, c.wire = "/apps/3/events", "/apps/3/events"
			}
			r := signed(c.path, c.signed)
			if err := app().Verify(r, now); err != nil {
				t.Fatal(err)
			}
			r.Path, r.RawQuery = c.wire, strings.Replace(r.RawQuery, c.signed, c.sent, 1)
			unauthorized(t, app().Verify(r, now))
		})
	}
}

// A refusal cuts what it quotes, so it stays short.
func TestVerifyRefusesInShortTexts(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	for _, change := range []string{
		"auth_version", "auth_timestamp", "body_md5", "auth_signature", "filter_by_prefix",
		long, long + "%26",
	} {
		t.Run(change[:8], func(t *testing.T) {
			r := signed("/apps/3/events")
			r.RawQuery += "&" + change + "=" + long
			err := app().Verify(r, now)
			unauthorized(t, err)
			if len(err.Error()) > 700 {
				t.Errorf("%d bytes: %s", len(err.Error()), err)
			}
		})
	}
}

func TestSignedRequestTextAndParams(t *testing.T) {
	r := pusher.SignedRequest{
		Method: "GET", Path: "/apps/3/channels/a%40b",
		RawQuery: "Info[]=a&x=1;2&&info[1]=b+c&x=%2C&auth_signature=s&empty",
	}
	if got, want := r.Text(), "GET\n/apps/3/channels/a%40b\nempty=&info=a,b c&x=,"; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	want := map[string]string{"info": "a,b c", "x": ",", "auth_signature": "s", "empty": ""}
	if got := r.Params(); !maps.Equal(got, want) {
		t.Errorf("parameters %v, want %v", got, want)
	}
}

// unauthorized asserts a refusal with 401 and a message that does not contain the app's secret.
func unauthorized(t *testing.T, err error) {
	t.Helper()
	var refusal *pusher.HTTPError
	if !errors.As(err, &refusal) || refusal.Status != 401 || refusal.Message == "" {
		t.Fatalf("got %v, want a refusal with 401", err)
	}
	if strings.Contains(err.Error(), app().Secret) {
		t.Errorf("the secret is in the text: %v", err)
	}
}

// Checklist 94: one changed byte anywhere is refused.
func TestVerifyRefusesEveryChangedByte(t *testing.T) {
	good := signed("/apps/3/events", "filter_by_prefix=presence-",
		"info=user_count,subscription_count")
	if err := app().Verify(good, now); err != nil {
		t.Fatal(err)
	}
	changed := func(s string, try func(string)) {
		for i := range len(s) {
			b := []byte(s)
			b[i] ^= 1 // no other case of the same letter, which keys may have
			try(string(b))
		}
	}
	check := func(what, text string, r pusher.SignedRequest) {
		t.Helper()
		if err := app().Verify(r, now); err == nil {
			t.Errorf("%s %q passes", what, text)
		} else {
			unauthorized(t, err)
		}
	}
	changed(good.Method, func(s string) { r := good; r.Method = s; check("method", s, r) })
	changed(good.Path, func(s string) { r := good; r.Path = s; check("path", s, r) })
	changed(good.RawQuery, func(s string) { r := good; r.RawQuery = s; check("query", s, r) })
	changed(body, func(s string) { r := good; r.Body = []byte(s); check("body", s, r) })
}
