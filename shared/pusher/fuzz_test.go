package pusher_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"hark/shared/pusher"
)

// Every frame is parsed, or refused with an answer that a client can read.
func FuzzFrame(f *testing.F) {
	for _, s := range []string{
		`{"event":"pusher:subscribe","data":{"auth":"","channel":"orders"}}`,
		`{"event":"pusher:subscribe","data":` +
			`"{\"auth\":\"K:s\",\"channel\":\"private-a\",\"channel_data\":\"{}\"}"}`,
		`{"event":"pusher:signin","data":{"auth":"K:s","user_data":"{\"id\":\"7\"}"}}`,
		`{"event":"client-a","channel":"private-a","data":{"a":[1.50,"<b>"]}}`,
		`{"event":"client-a","data":"\ud800"}`,
		`{"event":"pusher:ping","data":{}}`, `{"event":7}`, `[]`, `null`, ``,
		"{\"event\":\"\xff\ufffe\"}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		frame, err := pusher.ParseFrame(text)
		if err != nil {
			answers(t, err, "")
			return
		}
		relays(t, frame)
		if in, err := frame.SignInData(); err != nil {
			answers(t, err, "")
		} else if err := app().AuthorizeUser("1.2", in.UserData, in.Auth); err != nil {
			answers(t, err, "")
		}
		d, err := frame.SubscribeData()
		if err != nil {
			answers(t, err, "")
			return
		}
		if err := d.Channel.Validate(pusher.MaxChannelName); err != nil {
			answers(t, err, d.Channel)
		}
		if err := app().Authorize("1.2", d.Channel, d.ChannelData, string(d.Auth)); err != nil {
			answers(t, err, d.Channel)
		}
	})
}

// relays asserts that a client event has the data of its frame (78): the same text, or the same
// JSON.
func relays(t *testing.T, f pusher.Frame) {
	t.Helper()
	relayed := pusher.ClientEvent(f.Event, f.Channel, f.Text(), "")
	legal(t, relayed)
	var got struct {
		Event string
		Data  *string
	}
	if err := json.Unmarshal(relayed, &got); err != nil || got.Event != f.Event || got.Data == nil {
		t.Fatalf("got %s, %v", relayed, err)
	}
	var was, is any
	if err := json.Unmarshal(f.Data, &was); err != nil || was == nil { // no data, or null
		was = ""
	}
	if _, isText := was.(string); isText {
		is = *got.Data
	} else if err := json.Unmarshal([]byte(*got.Data), &is); err != nil {
		t.Fatalf("%s was relayed as %s: %v", f.Data, *got.Data, err)
	}
	if !reflect.DeepEqual(was, is) {
		t.Fatalf("%s was relayed as %s", f.Data, *got.Data)
	}
}

// answers asserts that the error is a refusal whose frames follow docs/protocol.md §0 and §2.5.
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
	d := about.Data
	if about.Event != "pusher:subscription_error" || d.Type == "" || d.Status == 0 {
		t.Fatalf("got %s", refusal.SubscriptionError(ch))
	}
	if strings.Contains(err.Error(), app().Secret) {
		t.Fatalf("the secret is in %v", err)
	}
}

// A name is refused, or the SDKs accept it and it is safe in the keys of the state table.
func FuzzChannel(f *testing.F) {
	for _, s := range []string{
		"orders", "private-encrypted-cache-x", "presence-cache-x", "#server-to-user-7", "#", "",
		"a#b", "a b", "caf\u00e9", "a\xff", "a\x00\n",
		strings.Repeat("x", 200), strings.Repeat("x", 201),
	} {
		f.Add(s, 200)
	}
	f.Fuzz(func(t *testing.T, name string, limit int) {
		ch := pusher.Channel(name)
		err := ch.Validate(limit)
		if err != nil {
			answers(t, err, ch)
		}
		if taken := channelNames.MatchString(name) && len(name) <= limit; taken != (err == nil) {
			t.Fatalf("%q with a limit of %d: %v", name, limit, err)
		}
		user := ch.User()
		clash := err == nil || pusher.UserChannel(user) != ch || ch.Private() || ch.Cache()
		if user != "" && clash {
			t.Fatalf("%q is also the channel of user %q", name, user)
		}
		if ch.Presence() && !ch.Private() {
			t.Fatalf("%q needs no signature", name)
		}
		// Refusals send back invalid names too, so clients must be able to read these.
		if utf8.ValidString(name) {
			var got struct{ Channel string }
			err := json.Unmarshal(pusher.MemberRemoved(ch, "7"), &got)
			if err != nil || got.Channel != name {
				t.Fatalf("%q became %q, %v", name, got.Channel, err)
			}
		}
	})
}

// channelNames matches the names that every SDK accepts (docs/protocol.md §3.1).
var channelNames = regexp.MustCompile(`\A[-a-zA-Z0-9_=@,.;]+\z`)

// A member is refused, or the frames about it have its ID as a text, and its info.
func FuzzMember(f *testing.F) {
	for _, s := range []string{
		`{"user_id":"7","user_info":{"name":"<Ann>"}}`, `{"user_id":7}`,
		`{"user_id":1.5e3,"user_info":null}`, `{"user_id":""}`, `{"user_id":true}`,
		`{"user_id":"\ufffe","user_info":[ "\u2028" , 1 ]}`, `null`, `[]`, ``,
		"{\"user_id\":\"\xff\"}", `{"USER_ID":"7"}`, `{"user_id":"7","user_id":"8"}`,
	} {
		f.Add(s, 1024)
	}
	f.Fuzz(func(t *testing.T, data string, limit int) {
		m, err := pusher.ParseMember("presence-a", data, limit)
		if err != nil {
			answers(t, err, "presence-a")
			return
		}
		characters, size := utf8.RuneCountInString(m.UserID), len(m.UserID)+len(m.Info)
		if m.UserID == "" || characters > pusher.MaxUserID || size > limit {
			t.Fatalf("got %+v with a limit of %d", m, limit)
		}
		var info any
		if m.Info != nil && json.Unmarshal(m.Info, &info) != nil {
			t.Fatalf("the info is %q", m.Info)
		}
		var added struct {
			ID   string `json:"user_id"`
			Info any    `json:"user_info"`
		}
		inner(t, pusher.MemberAdded("presence-a", m), &added)
		if added.ID != m.UserID || !reflect.DeepEqual(added.Info, info) {
			t.Fatalf("%s is announced as %+v", data, added)
		}
		var welcome struct {
			Presence struct {
				Count int
				IDs   []string
				Hash  map[string]any
			}
		}
		inner(t, pusher.Welcomed("presence-a", []pusher.Member{m, {UserID: "other"}, m}), &welcome)
		p := welcome.Presence
		counted := p.Count == len(p.IDs) && p.Count == len(p.Hash)
		if !counted || p.IDs[0] != m.UserID || !reflect.DeepEqual(p.Hash[m.UserID], info) {
			t.Fatalf("%s is shown as %+v", data, p)
		}
	})
}

// inner decodes the JSON in the text that is a frame's data.
func inner(t *testing.T, frame []byte, into any) {
	t.Helper()
	legal(t, frame)
	var outer struct{ Data string }
	if err := json.Unmarshal(frame, &outer); err != nil {
		t.Fatalf("%s: %v", frame, err)
	}
	if err := json.Unmarshal([]byte(outer.Data), into); err != nil {
		t.Fatalf("%s: %v", frame, err)
	}
}

// A user is refused, or its ID can be in a channel's name and its user data is sent back unchanged.
func FuzzUser(f *testing.F) {
	for _, s := range []string{
		`{"id":"7","user_info":{"name":"<Ann>"},"watchlist":["8","9"]}`, `{"id":7}`, `{"id":""}`,
		`{"id":"a#b"}`, `{"id":"7","watchlist":[8]}`,
		`{"id":"7","watchlist":["","8","8","a b",null]}`, `{"id":"7","watchlist":` + ids(101) + `}`,
		`null`, `[]`, ``, "{\"id\":\"\xff\"}",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data string) {
		u, err := pusher.ParseUser(data)
		if err != nil {
			answers(t, err, "")
			return
		}
		if n := len(u.Watchlist); n > pusher.MaxWatchlist || u.Cut && n != pusher.MaxWatchlist {
			t.Fatalf("%d watched, cut: %t", n, u.Cut)
		}
		seen := map[string]bool{}
		for _, id := range append([]string{u.ID}, u.Watchlist...) {
			valid := channelNames.MatchString(id) && len(id) <= pusher.MaxUserID
			if !valid || pusher.UserChannel(id).User() != id {
				t.Fatalf("%q is no user's ID", id)
			}
		}
		for _, id := range u.Watchlist {
			if seen[id] {
				t.Fatalf("%q is watched twice", id)
			}
			seen[id] = true
		}
		if u.Info != nil && !json.Valid(u.Info) {
			t.Fatalf("the info is %q", u.Info)
		}
		if utf8.ValidString(data) {
			var back struct {
				Data string `json:"user_data"`
			}
			if inner(t, pusher.SignedIn(data), &back); back.Data != data {
				t.Fatalf("%q comes back as %q", data, back.Data)
			}
		}
	})
}

// No changed request passes, and none for another secret.
func FuzzVerify(f *testing.F) {
	good := signed("/apps/3/events", "info=a,b")
	f.Add(good.Method, good.Path, good.RawQuery, good.Body)
	f.Add("GET", "/apps/3/channels%2F", "info[]=a&info[1]=b&%zz=;&auth_signature=x", []byte(nil))
	f.Add("POST", "/apps/3/events", strings.ReplaceAll(good.RawQuery, ",", "%2C"), good.Body)
	f.Add("POST", "/apps/3/events",
		"auth_key=278d425bdf160c739803&auth_version=1.0&auth_timestamp=-9223372036854775808",
		[]byte("{}"))
	f.Fuzz(func(t *testing.T, method, path, query string, body []byte) {
		r := pusher.SignedRequest{Method: method, Path: path, RawQuery: query, Body: body}
		if err := app().Verify(r, now); err != nil {
			unauthorized(t, err)
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

// Frames keep an event's name and data, with characters that an SQS message accepts.
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
		if utf8.ValidString(name) && got.Event != name ||
			utf8.ValidString(data) && got.Data != data {
			t.Fatalf("%q %q became %+q", name, data, got)
		}
	})
}

// Every connection ID has a socket ID that the SDKs accept, and no two connection IDs share one.
func FuzzSocketID(f *testing.F) {
	f.Add("L0SM9cOFvHcCIhw=", "R1kmxc2VNjMCFIA=")
	f.Add("0123456789abcdef", "______________8=")
	f.Add("", "L0SM9cOF\n\n\n\nIhw=")
	f.Add("1.2", "1.2\n")
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, s := range []string{a, b} {
			if got := pusher.SocketID(s).Valid(); got != socketIDs.MatchString(s) {
				t.Fatalf("%q: the SDKs say %t", s, !got)
			}
		}
		x, y := pusher.ConnectionID(a).SocketID(), pusher.ConnectionID(b).SocketID()
		if !x.Valid() || !y.Valid() {
			t.Fatalf("%q, %q became %s, %s", a, b, x, y)
		}
		// The two alphabets spell one ID in two ways. AWS has only one of them.
		oneAlphabet := strings.NewReplacer("-", "+", "_", "/")
		if x == y && oneAlphabet.Replace(a) != oneAlphabet.Replace(b) {
			t.Fatalf("%q and %q share %s", a, b, x)
		}
	})
}
