package pusher_test

import (
	"errors"
	"strings"
	"testing"

	"hark/shared/pusher"
	"hark/shared/settings"
)

// app has the credentials of the published vectors (docs/protocol.md §3.2).
func app() pusher.App {
	return pusher.App{
		ID: "3", Key: "278d425bdf160c739803", Secret: "7ad3773142a6692b25b8",
		Settings: settings.Default(),
	}
}

// sign returns the auth string with which the app's server signs the text.
func sign(text string) string { return app().Key + ":" + app().Sign(text) }

// refused asserts a refusal with the code. Its text must not contain the app's secret.
func refused(t *testing.T, err error, code pusher.Code) {
	t.Helper()
	var refusal *pusher.Error
	if !errors.As(err, &refusal) || refusal.Code != code {
		t.Fatalf("got %v, want a refusal with %d", err, code)
	}
	if strings.Contains(err.Error(), app().Secret) {
		t.Errorf("the secret is in the text: %v", err)
	}
}

// The vectors of docs/protocol.md §3.2, each as printed there.
func TestSign(t *testing.T) {
	for _, v := range []struct{ name, text, want string }{
		{
			"a private channel", "1234.1234:private-foobar",
			"58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4",
		},
		{
			"a sign-in", `1234.1234::user::{"id":"12345"}`,
			"4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba",
		},
		{
			"a presence channel",
			`123.456:presence-room:{"user_id":"7","user_info":{"name":"Ann"}}`,
			"222e35fd9db9a7de0ded5244b786ddb79fadb5206c2141ca6157025a3f251396",
		},
		{
			"a sign-in with a watchlist", `123.456::user::{"id":"7","watchlist":["8","9"]}`,
			"8f565682dea70d955c11722de64c85baf69fe3454fc8504319093a3c3532623b",
		},
		{
			"an encrypted channel", "123.456:private-encrypted-vault",
			"e1724fffea248ed97dd472f1df786fb40a6ec2872c7b350bab5922d3490e0803",
		},
		{
			"the presence text that Pusher's printed digest belongs to",
			`1234.1234:presence-foobar:{"user_id":10,"user_info":{"name":"Mr. Pusher"}}`,
			"afaed3695da2ffd16931f457e338e6c9f2921fa133ce7dac49f529792be6304c",
		},
		{
			"the presence text that Pusher prints",
			`1234.1234:presence-foobar:{"user_id":10,"user_info":{"name":"Mr. Channels"}}`,
			"31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80",
		},
	} {
		t.Run(v.name, func(t *testing.T) {
			if got := app().Sign(v.text); got != v.want {
				t.Errorf("got %s, want %s", got, v.want)
			}
		})
	}
}

// authCase is a subscribe by socket ID 1234.1234.
type authCase struct {
	name       string
	channel    pusher.Channel
	data, auth string
	ok         bool
}

func (c authCase) check(t *testing.T) {
	t.Helper()
	err := app().Authorize("1234.1234", c.channel, c.data, c.auth)
	if !c.ok {
		refused(t, err, pusher.CodeUnauthorized)
	} else if err != nil {
		t.Error(err)
	}
}

// The numbers are those of docs/protocol.md §9.
func TestAuthorizeChecksTheSignature(t *testing.T) {
	const (
		channel = pusher.Channel("private-foobar")
		data    = `{"user_id":"7"}`
	)
	good := sign("1234.1234:private-foobar")
	for _, c := range []authCase{
		{"29 a public channel needs no auth", "orders", "", "", true},
		{"29 a public channel takes garbage for auth", "orders", "", "garbage", true},
		{"a private channel with the right signature", channel, "", good, true},
		{"31 a private channel without auth", channel, "", "", false},
		{"31 a presence channel without auth", "presence-room", data, "", false},
		{"32 a signature with one digit changed", channel, "", good[:len(good)-1] + "5", false},
		{"32 a signature cut short", channel, "", good[:len(good)-1], false},
		{
			"32 a signature in upper case", channel, "",
			app().Key + ":" + strings.ToUpper(app().Sign("1234.1234:private-foobar")), false,
		},
		{
			"32 a signature by another secret", channel, "",
			app().Key + ":" + pusher.App{Secret: "x"}.Sign("1234.1234:private-foobar"), false,
		},
		{"32 auth without a colon", channel, "", app().Sign("1234.1234:private-foobar"), false},
		{"32 auth that is only a colon", channel, "", ":", false},
		{
			"33 the right signature with another app's key", channel, "",
			"other:" + app().Sign("1234.1234:private-foobar"), false,
		},
		{
			"33 the right signature with no key", channel, "",
			":" + app().Sign("1234.1234:private-foobar"), false,
		},
	} {
		t.Run(c.name, c.check)
	}
}

// The numbers are those of docs/protocol.md §9.
func TestAuthorizeChecksWhatIsSigned(t *testing.T) {
	const (
		channel = pusher.Channel("private-foobar")
		data    = `{"user_id":"7"}`
	)
	good := sign("1234.1234:private-foobar")
	for _, c := range []authCase{
		{
			"34 a signature for another socket ID", channel, "", sign("1234.1235:private-foobar"),
			false,
		},
		{"35 a signature for another channel", channel, "", sign("1234.1234:private-other"), false},
		{
			"36 channel data that was signed", channel, data,
			sign("1234.1234:private-foobar:" + data), true,
		},
		{"36 channel data that was not signed", channel, data, good, false},
		{
			"36 channel data that was left out", channel, "",
			sign("1234.1234:private-foobar:" + data), false,
		},
		{
			"36 channel data encoded anew", channel, `{"user_id": "7"}`,
			sign("1234.1234:private-foobar:" + data), false,
		},
		{
			"empty channel data that was signed with its colon", channel, "",
			sign("1234.1234:private-foobar:"), true,
		},
		{
			"an encrypted channel", "private-encrypted-vault", "",
			sign("1234.1234:private-encrypted-vault"), true,
		},
		{
			"a presence channel", "presence-room", data, sign("1234.1234:presence-room:" + data),
			true,
		},
	} {
		t.Run(c.name, c.check)
	}
}

// 84 and docs/protocol.md §3.2: the signature is for the exact user data and one connection.
func TestAuthorizeUser(t *testing.T) {
	const (
		id   = pusher.SocketID("1234.1234")
		data = `{"id":"12345"}`
	)
	for _, c := range []struct {
		name, data, auth string
		ok               bool
	}{
		{
			"the vector that Pusher prints", data,
			app().Key + ":4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba", true,
		},
		{
			"data with spaces, as they were signed", `{ "id" : "7" }`,
			sign(`1234.1234::user::{ "id" : "7" }`), true,
		},
		{"no auth", data, "", false},
		{"auth without a colon", data, app().Sign("1234.1234::user::" + data), false},
		{
			"one digit changed", data,
			app().Key + ":4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336bb", false,
		},
		{
			"the form that one of Pusher's pages shows", data,
			app().Key + "::user::" + app().Sign("1234.1234::user::"+data), false,
		},
		{"another app's key", data, "other:" + app().Sign("1234.1234::user::"+data), false},
		{
			"another secret", data,
			app().Key + ":" + pusher.App{Secret: "x"}.Sign("1234.1234::user::"+data), false,
		},
		{"another socket ID", data, sign("1234.1235::user::" + data), false},
		{"data encoded anew", `{"id": "12345"}`, sign("1234.1234::user::" + data), false},
		{
			"the signature of a channel that is called like it", data,
			sign("1234.1234:user::" + data), false,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := app().AuthorizeUser(id, c.data, c.auth)
			if !c.ok {
				refused(t, err, pusher.CodeUnauthorized)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// A client must not make Hark send messages that are much longer than its own.
func TestAuthorizeRefusesInShortTexts(t *testing.T) {
	long := strings.Repeat("x", 100<<10)
	for name, auth := range map[string]string{
		"a long key":             long + ":sig",
		"a long signature":       app().Key + ":" + long,
		"auth without its colon": long,
	} {
		t.Run(name, func(t *testing.T) {
			err := app().Authorize("1.2", "private-a", long, auth)
			refused(t, err, pusher.CodeUnauthorized)
			if n := len(err.Error()); n > 1000 {
				t.Errorf("the refusal has %d bytes", n)
			}
			err = app().AuthorizeUser("1.2", long, auth)
			refused(t, err, pusher.CodeUnauthorized)
			if n := len(err.Error()); n > 1000 {
				t.Errorf("the refusal of a sign-in has %d bytes", n)
			}
		})
	}
}

func TestValidName(t *testing.T) {
	for name, want := range map[string]bool{
		"a": true, "A-z_09": true, strings.Repeat("a", 64): true,
		"": false, strings.Repeat("a", 65): false, "a#b": false, "a b": false, "a.b": false,
		"ä": false, "a\n": false,
	} {
		if got := pusher.ValidName(name); got != want {
			t.Errorf("%q: got %t, want %t", name, got, want)
		}
	}
}
