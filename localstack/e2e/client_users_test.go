package e2e_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"hark/localstack/e2e/wire"
)

// What clients do as a user: join presence channels, send client events, sign in.

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// channelData is the channel_data of a user who joins. An empty info is left out.
func channelData(userID, info string) string {
	if info == "" {
		return `{"user_id":"` + userID + `"}`
	}
	return `{"user_id":"` + userID + `","user_info":` + info + `}`
}

// enter asks to join a presence channel with that channel_data and a valid signature.
func (c client) enter(channel, data string) {
	c.t.Helper()
	c.sendEvent("pusher:subscribe", map[string]string{
		"channel": channel, "channel_data": data, "auth": c.app.Auth(c.SocketID, channel, data),
	})
}

// member connects and joins the presence channel as the user. The list of members has been read.
func member(t *testing.T, channel, userID, info string) client {
	t.Helper()
	c := connect(t)
	c.enter(channel, channelData(userID, info))
	c.welcomed(channel)
	return c
}

// roster is the list of members in the success frame of a presence channel (docs/protocol.md §3.4).
type roster struct {
	Count int                        `json:"count"`
	IDs   []string                   `json:"ids"`
	Hash  map[string]json.RawMessage `json:"hash"`
}

// welcomed reads the success of a presence channel. Its count, ids and hash must agree.
func (c client) welcomed(channel string) roster {
	c.t.Helper()
	f := c.next(wire.SubscriptionSucceeded, channel)
	var d struct{ Presence *roster }
	if err := json.Unmarshal([]byte(f.Data), &d); err != nil || d.Presence == nil {
		c.t.Fatalf("got %s (%v), want a list of members", f.Raw, err)
	}
	r := *d.Presence
	ids := slices.Sorted(slices.Values(r.IDs))
	if r.Count != len(ids) || !slices.Equal(ids, sorted(r.Hash)) {
		c.t.Errorf("count, ids and hash of %s do not agree: %s", channel, f.Data)
	}
	return r
}

// has fails unless these are the members.
func (r roster) has(t *testing.T, users ...string) {
	t.Helper()
	got := slices.Sorted(slices.Values(r.IDs))
	if !slices.Equal(got, slices.Sorted(slices.Values(users))) {
		t.Errorf("members %q, want %q", got, users)
	}
}

// sees reads a member_added or member_removed of the user.
func (c client) sees(event, channel, userID string) wire.Frame {
	c.t.Helper()
	f := c.next(event, channel)
	var d struct {
		UserID string `json:"user_id"`
	}
	if err := json.Unmarshal([]byte(f.Data), &d); err != nil || d.UserID != userID {
		c.t.Fatalf("got %s (%v), want user %q", f.Raw, err, userID)
	}
	return f
}

// whispers sends a client event with the data, a JSON value.
func (c client) whispers(channel, event, data string) {
	c.t.Helper()
	c.send(`{"event":"` + event + `","channel":"` + channel + `","data":` + data + `}`)
}

// signIn asks to be signed in with that user_data and a valid signature.
func (c client) signIn(userData string) {
	c.t.Helper()
	c.sendEvent("pusher:signin",
		map[string]string{"user_data": userData, "auth": c.app.AuthUser(c.SocketID, userData)})
}

// signedIn reads the success of a sign-in, which must return the user_data unchanged.
func (c client) signedIn(userData string) {
	c.t.Helper()
	c.checkSignedIn(c.next(wire.SignedIn, ""), userData)
}

func (c client) checkSignedIn(f wire.Frame, userData string) {
	c.t.Helper()
	var d map[string]string
	err := json.Unmarshal([]byte(f.Data), &d)
	if err != nil || d["user_data"] != userData || len(d) != 1 {
		c.t.Errorf("got %s (%v), want user_data %q", f.Raw, err, userData)
	}
}

// user connects and signs in with the ID. It watches no users.
func user(t *testing.T, id string) client {
	t.Helper()
	return userOf(t, hark.App, id)
}

// userOf is user for a client of the app.
func userOf(t *testing.T, app wire.App, id string) client {
	t.Helper()
	c := connectTo(t, app)
	data := `{"id":"` + id + `"}`
	c.signIn(data)
	c.signedIn(data)
	return c
}

// watcher is signed in and watches users. It keeps the status of each that it was last sent.
type watcher struct {
	client
	known map[string]bool
}

// watching connects, signs in with the ID and watches these users, none of whom may go offline
// meanwhile. It reads until the success. A status may overtake the success, because each user who
// comes online is reported to the watchers; statuses that come later are left unread.
func watching(t *testing.T, app wire.App, id string, users ...string) watcher {
	t.Helper()
	c := connectTo(t, app)
	data := string(body(t, map[string]any{"id": id, "watchlist": users}))
	c.signIn(data)
	w, there := watcher{c, map[string]bool{}}, map[string]bool{}
	for _, id := range users {
		there[id] = true
	}
	for {
		f, err := c.Next(patience)
		switch {
		case err == nil && f.Event == wire.WatchlistEvents:
			w.record(f, there)
		case err == nil && f.Event == wire.SignedIn:
			c.checkSignedIn(f, data)
			return w
		default:
			t.Fatalf("got %s (%v), want a success", f.Raw, err)
		}
	}
}

// learns reads until the watcher knows that these users are online, or offline. It may be sent a
// status that it knows; it must not be sent any other status.
func (w watcher) learns(online bool, users ...string) {
	w.t.Helper()
	want := maps.Clone(w.known)
	for _, id := range users {
		want[id] = online
	}
	for !maps.Equal(w.known, want) {
		w.record(w.next(wire.WatchlistEvents, ""), want)
	}
}

// record keeps the statuses in a frame. Each must be as wanted, or known already.
func (w watcher) record(f wire.Frame, want map[string]bool) {
	w.t.Helper()
	var d struct {
		Events []struct {
			Name    string
			UserIDs []string `json:"user_ids"`
		}
	}
	if err := json.Unmarshal([]byte(f.Data), &d); err != nil {
		w.t.Fatalf("got %s: %v", f.Raw, err)
	}
	for _, e := range d.Events {
		for _, id := range e.UserIDs {
			if known, is := w.known[id]; is && known == (e.Name == "online") {
				continue
			}
			online, asked := want[id]
			if !asked || e.Name != map[bool]string{true: "online", false: "offline"}[online] {
				w.t.Fatalf("got %s, want %v", f.Raw, want)
			}
			w.known[id] = e.Name == "online"
		}
	}
}
