package pusher_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"hark/shared/pusher"
)

// Whatever a client sends is parsed or refused by name, and what it is answered is a frame that it can read.
func FuzzFrame(f *testing.F) {
	for _, s := range []string{
		`{"event":"pusher:subscribe","data":{"auth":"","channel":"orders"}}`,
		`{"event":"pusher:subscribe","data":"{\"auth\":\"K:s\",\"channel\":\"private-a\",\"channel_data\":\"{}\"}"}`,
		`{"event":"pusher:ping","data":{}}`, `{"event":7}`, `[]`, `null`, ``, "{\"event\":\"\xff\ufffe\"}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		frame, err := pusher.ParseFrame(text)
		if err != nil {
			answers(t, err, "")
			return
		}
		d, err := frame.SubscribeData()
		if err != nil {
			answers(t, err, "")
			return
		}
		if err := d.Channel.Validate(); err != nil {
			answers(t, err, d.Channel)
		}
		if err := app().Authorize("1.2", d.Channel, d.ChannelData, d.Auth); err != nil {
			answers(t, err, d.Channel)
		}
	})
}

// answers asserts that the error is a refusal whose frames follow protocol.md §0 and §2.
func answers(t *testing.T, err error, ch pusher.Channel) {
	t.Helper()
	var refusal *pusher.Error
	if !errors.As(err, &refusal) {
		t.Fatalf("%v is no refusal", err)
	}
	var frame struct {
		Event string
		Data  struct {
			Code    int
			Message *string
		}
	}
	if err := json.Unmarshal(refusal.Frame(), &frame); err != nil {
		t.Fatal(err)
	}
	if frame.Event != "pusher:error" || frame.Data.Code < 4000 || frame.Data.Message == nil {
		t.Fatalf("got %s", refusal.Frame())
	}
	var about struct {
		Event, Channel string
		Data           struct {
			Type, Error string
			Status      int
		}
	}
	if err := json.Unmarshal(refusal.SubscriptionError(ch), &about); err != nil {
		t.Fatal(err)
	}
	if about.Event != "pusher:subscription_error" || about.Data.Type == "" || about.Data.Status == 0 {
		t.Fatalf("got %s", refusal.SubscriptionError(ch))
	}
	if strings.Contains(err.Error(), app().Secret) {
		t.Fatalf("the secret is in %v", err)
	}
}

// Only the true signature passes, however the request is bent.
func FuzzVerify(f *testing.F) {
	good := signed("/apps/3/events", "info=a,b")
	f.Add(good.Method, good.Path, good.RawQuery, good.Body)
	f.Add("GET", "/apps/3/channels%2F", "info[]=a&info[1]=b&%zz=;&auth_signature=x", []byte(nil))
	f.Add("POST", "/apps/3/events", strings.ReplaceAll(good.RawQuery, ",", "%2C"), good.Body)
	f.Add("POST", "/apps/3/events", "auth_key=278d425bdf160c739803&auth_version=1.0&auth_timestamp=-9223372036854775808", []byte("{}"))
	f.Fuzz(func(t *testing.T, method, path, query string, body []byte) {
		r := pusher.SignedRequest{Method: method, Path: path, RawQuery: query, Body: body}
		if err := app().Verify(r, now); err != nil {
			refused(t, err, pusher.CodeUnauthorized)
			return
		}
		if method != good.Method || string(body) != string(good.Body) {
			t.Fatalf("%q %q %q passes", method, query, body)
		}
		if (pusher.App{Key: app().Key, Secret: "another"}).Verify(r, now) == nil {
			t.Fatalf("%q passes for another secret", query)
		}
	})
}

// Every event reaches the client as it was published, by way of a queue that takes only some characters.
func FuzzEventFrame(f *testing.F) {
	for _, s := range nasty() {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, name, data string) {
		frame := pusher.EventFrame(name, "orders", data)
		legal(t, frame)
		var got struct{ Event, Channel, Data string }
		if err := json.Unmarshal(frame, &got); err != nil {
			t.Fatal(err)
		}
		if utf8.ValidString(name) && got.Event != name || utf8.ValidString(data) && got.Data != data {
			t.Fatalf("%q %q became %+q", name, data, got)
		}
	})
}

// Every connection ID has a socket ID that the SDKs take, and no two IDs of the usual shape share one.
func FuzzSocketID(f *testing.F) {
	f.Add("L0SM9cOFvHcCIhw=", "R1kmxc2VNjMCFIA=")
	f.Add("0123456789abcdef", "______________8=")
	f.Add("", "L0SM9cOF\n\n\n\nIhw=")
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := pusher.ConnectionID(a).SocketID(), pusher.ConnectionID(b).SocketID()
		if !x.Valid() || !y.Valid() {
			t.Fatalf("%q, %q became %s, %s", a, b, x, y)
		}
		oneAlphabet := strings.NewReplacer("-", "+", "_", "/") // two spellings of one ID: AWS has one alphabet, whichever
		if x == y && oneAlphabet.Replace(a) != oneAlphabet.Replace(b) {
			t.Fatalf("%q and %q share %s", a, b, x)
		}
	})
}
