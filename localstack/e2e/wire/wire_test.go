package wire_test

import (
	"net/url"
	"strings"
	"testing"

	"hark/localstack/e2e/wire"
)

func TestParseFrameRefusesFramesThatNoClientCanRead(t *testing.T) {
	for _, tc := range []struct {
		name, raw string
		ok        bool
	}{
		{"an event of a channel", `{"event":"news","channel":"a","data":"{}"}`, true},
		{
			"an error with object data",
			`{"event":"pusher:error","data":{"code":4009,"message":"no"}}`, true,
		},
		{"an error with string data", `{"event":"pusher:error","data":"{\"code\":4009}"}`, false},
		{"object data", `{"event":"news","channel":"a","data":{}}`, false},
		{"no data", `{"event":"pusher:pong"}`, false},
		{
			"no event", `{"message":"Internal server error","connectionId":"x","requestId":"y"}`,
			false,
		},
		{
			"a key that the protocol does not have",
			`{"event":"news","data":"{}","socket_id":"1.2"}`, false,
		},
		{"an array", `[]`, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := wire.ParseFrame([]byte(tc.raw)); (err == nil) != tc.ok {
				t.Errorf("ParseFrame(%s) = %v", tc.raw, err)
			}
		})
	}
}

// The vectors of docs/protocol.md §3.2.
func TestAuthSignsTheVectors(t *testing.T) {
	app := wire.App{ID: "3", Key: "278d425bdf160c739803", Secret: "7ad3773142a6692b25b8"}
	for _, tc := range []struct{ name, socket, channel, data, want string }{
		{
			"private", "1234.1234", "private-foobar", "",
			"58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4",
		},
		{
			"with channel data", "123.456", "presence-room",
			`{"user_id":"7","user_info":{"name":"Ann"}}`,
			"222e35fd9db9a7de0ded5244b786ddb79fadb5206c2141ca6157025a3f251396",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := app.Auth(tc.socket, tc.channel, tc.data); got != app.Key+":"+tc.want {
				t.Errorf("Auth = %s, want …%s", got, tc.want)
			}
		})
	}
}

func TestAuthUserSignsTheVector(t *testing.T) {
	app := wire.App{ID: "3", Key: "278d425bdf160c739803", Secret: "7ad3773142a6692b25b8"}
	want := app.Key + ":8f565682dea70d955c11722de64c85baf69fe3454fc8504319093a3c3532623b"
	if got := app.AuthUser("123.456", `{"id":"7","watchlist":["8","9"]}`); got != want {
		t.Errorf("AuthUser = %s, want %s", got, want)
	}
}

// The first vector of docs/protocol.md §5.1, on a request to a closed port.
func TestDoSignsTheVector(t *testing.T) {
	api := wire.API{
		Base: "http://127.0.0.1:0",
		App:  wire.App{ID: "3", Key: "278d425bdf160c739803", Secret: "7ad3773142a6692b25b8"},
	}
	var got url.Values
	_, err := api.Do(t.Context(), wire.Request{
		Method: "POST", Path: "/apps/3/events",
		Body:   []byte(`{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}`),
		Params: map[string]string{"auth_timestamp": "1353088179"},
		Tamper: func(q url.Values, _ *wire.Request) { got = q },
	})
	if err == nil || !strings.Contains(err.Error(), "127.0.0.1") {
		t.Fatalf("Do to nowhere = %v", err)
	}
	s := got.Get("auth_signature")
	if s != "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c" {
		t.Errorf("signature %s", s)
	}
	if s := got.Get("body_md5"); s != "ec365a775a4cd0599faeb73354201b6f" {
		t.Errorf("body_md5 %s", s)
	}
}
