package socket_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hark/shared/membership"
	"hark/shared/pusher"
	"hark/shared/socket"
	"hark/shared/state"
)

// members is a membership that records subscribes and sign-ins, or fails.
type members struct {
	got     []string // "on orders 7", "enter presence-a as ann {} 7" ..., with the frame's stamp
	user    string   // that the connection is signed in as
	info    string   // the user_info of the user
	in      map[pusher.Channel]pusher.Member
	gateway membership.Gateway // which is posted the answer of SubscribeUser
	reads   int                // of the connection
	lookErr error              // of Connection
	err     error              // of everything else
}

func (m *members) Connection(_ context.Context, id pusher.ConnectionID) (state.Connection, error) {
	m.reads++
	return state.Connection{
		ID: id, App: "3", User: m.user, UserInfo: json.RawMessage(m.info),
	}, m.lookErr
}

func (m *members) Subscribe(
	_ context.Context, app pusher.App, c state.Connection, ch pusher.Channel, t state.Stamp,
) error {
	return m.record(c, app.ID, "on %s %d", ch, t)
}

func (m *members) SubscribePresence(
	_ context.Context, c state.Connection, ch pusher.Channel, who pusher.Member, t state.Stamp,
) error {
	return m.record(c, c.App, "enter %s as %s %s %d", ch, who.UserID, who.Info, t)
}

// SubscribeUser is the real step, which needs no rows.
func (m *members) SubscribeUser(ctx context.Context, c state.Connection, ch pusher.Channel) error {
	return (&membership.Membership{Gateway: m.gateway}).SubscribeUser(ctx, c, ch)
}

func (m *members) Unsubscribe(
	_ context.Context, app pusher.App, c state.Connection, ch pusher.Channel, t state.Stamp,
) error {
	return m.record(c, app.ID, "off %s %d", ch, t)
}

func (m *members) SignIn(
	_ context.Context, app pusher.App, c state.Connection, u pusher.User, userData string,
) error {
	return m.record(c, app.ID, "sign in %s watching %d: %s", u.ID, len(u.Watchlist), userData)
}

func (m *members) Subscribed(
	_ context.Context, c state.Connection, ch pusher.Channel,
) (pusher.Member, bool, error) {
	who, in := m.in[ch]
	return who, in, m.err
}

func (m *members) record(c state.Connection, app, format string, args ...any) error {
	if c.ID != connection || c.App != "3" || app != "3" {
		return fmt.Errorf("of connection %+v and app %s", c, app)
	}
	if m.err == nil {
		m.got = append(m.got, fmt.Sprintf(format, args...))
	}
	return m.err
}

// bans has the ends of users' bans. From the second call on it has those of later, unless later is
// nil.
type bans struct {
	until, later map[string]time.Time
	asked        []string
	err          error
}

func (b *bans) Banned(_ context.Context, app, user string) (time.Time, error) {
	b.asked = append(b.asked, app+" "+user)
	if len(b.asked) > 1 && b.later != nil {
		return b.later[user], b.err
	}
	return b.until[user], b.err
}

// rates counts frames in memory.
type rates struct {
	n   map[string]int
	got []string // what was counted: name and window
	err error
}

func (r *rates) CountFrame(
	_ context.Context, id pusher.ConnectionID, name string, window time.Duration, t state.Stamp,
) (int, error) {
	r.got = append(r.got, fmt.Sprintf("%s %s", name, window))
	key := fmt.Sprint(id, name, window, int64(t)/window.Milliseconds())
	r.n[key]++
	return r.n[key], r.err
}

// publisher records what is published, or fails.
type publisher struct {
	got []state.Broadcast
	err error
}

func (p *publisher) Publish(_ context.Context, broadcasts ...state.Broadcast) error {
	if p.err == nil {
		p.got = append(p.got, broadcasts...)
	}
	return p.err
}

const (
	stamp    = 1795521601000
	socketID = "3406002205374135415.139804"
)

// conversation is a Server and one client's connection to it.
type conversation struct {
	*socket.Server
	*gateway
	members   *members
	bans      *bans
	rates     *rates
	published *publisher
	log       func() string
}

// newConversation returns the conversation of a client of the app with changed settings.
func newConversation(change ...func(*pusher.Settings)) *conversation {
	log, text := logged()
	out := &gateway{}
	c := &conversation{
		gateway: out, members: &members{gateway: out}, bans: &bans{},
		rates: &rates{n: map[string]int{}}, published: &publisher{}, log: text.String,
	}
	c.Server = &socket.Server{
		Apps: only(app(change...)), Membership: c.members, Bans: c.bans, Rates: c.rates,
		Publisher: c.published, Gateway: c.gateway,
		Log: log,
	}
	return c
}

func (c *conversation) sends(t *testing.T, frame string) {
	t.Helper()
	c.sendsAt(t, stamp, frame)
}

func (c *conversation) sendsAt(t *testing.T, at state.Stamp, frame string) {
	t.Helper()
	c.Message(t.Context(), connection, at, []byte(frame))
}

// recorded asserts the steps that were run for the client's channels and user.
func (c *conversation) recorded(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(c.members.got, want) {
		t.Errorf("recorded %q, want %q", c.members.got, want)
	}
}

// refused asserts that the client was sent one pusher:error with the texts and was not closed, and
// that no step was run and nothing published.
func (c *conversation) refused(t *testing.T, code int, says ...string) {
	t.Helper()
	if len(c.got) != 1 {
		t.Fatalf("got %q, want one error", c.got)
	}
	c.refusedBy(t, c.got[0], code, says...)
}

// notSubscribed asserts the two frames of a refused subscribe (37, 38).
func (c *conversation) notSubscribed(
	t *testing.T, channel, kind string, status, code int, says ...string,
) {
	t.Helper()
	if len(c.got) != 2 {
		t.Fatalf("got %q, want two frames", c.got)
	}
	subscriptionError(t, c.got[0], channel, kind, status)
	c.refusedBy(t, c.got[1], code, says...)
}

func (c *conversation) refusedBy(t *testing.T, text string, code int, says ...string) {
	t.Helper()
	errorFrame(t, text, code)
	for _, s := range says {
		if !strings.Contains(text, s) {
			t.Errorf("got %s, want it to say %q", text, s)
		}
	}
	c.recorded(t)
	if len(c.published.got) != 0 {
		t.Errorf("published %+v", c.published.got)
	}
}

// subscriptionError asserts the frame that makes Echo call .error() (37, docs/protocol.md §3.5).
func subscriptionError(t *testing.T, text, channel, kind string, status int) {
	t.Helper()
	var f struct {
		Event, Channel string
		Data           struct {
			Type, Error string
			Status      int
		}
	}
	err := json.Unmarshal([]byte(text), &f)
	if err != nil || f.Event != "pusher:subscription_error" || f.Channel != channel {
		t.Errorf("got %s, %v", text, err)
	}
	if f.Data.Type != kind || f.Data.Error == "" || f.Data.Status != status {
		t.Errorf("got %s, want %s and %d", text, kind, status)
	}
}

// frame returns a client's frame.
func frame(event, channel string, data any) string {
	f := map[string]any{"event": event, "data": data}
	if channel != "" {
		f["channel"] = channel
	}
	b, err := json.Marshal(f)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// subscribe returns the frame with which pusher-js subscribes.
func subscribe(channel, auth, data string) string {
	d := map[string]string{"channel": channel, "auth": auth}
	if data != "" {
		d["channel_data"] = data
	}
	return frame("pusher:subscribe", "", d)
}

func unsubscribe(channel string) string {
	return frame("pusher:unsubscribe", "", map[string]string{"channel": channel})
}
