package membership_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

// peer is a client with its one connection.
type peer struct {
	id       pusher.ConnectionID
	app      pusher.App
	user     string // its own: signs in as it, and mostly joins presence channels as it
	open     bool
	up       bool // the server has greeted it
	topics   map[pusher.Channel]*topic
	signin   *asked // its sign-in, if it has asked for one
	watch    []string
	statuses map[string]bool // of users, as it was sent them: true is online

	markedDead *call // the call that set its row dead
	forgotten  bool  // a $disconnect has come and done all
}

// topic is a client's side of one channel.
type topic struct {
	asked    []*asked        // its frames about it, the oldest first
	welcomed bool            // it has been sent a success
	viewing  bool            // it has been sent the success of its newest subscribe
	sees     map[string]bool // the members of a presence channel, as it was sent them
	count    int             // the last subscription count that it was sent
	live     []int           // indexes of the live events that it got, in order
	got      map[*event]bool // live or from the cache
	newest   *event          // the last one it got
}

// asked is a frame of a client.
type asked struct {
	by        *peer
	channel   pusher.Channel // "" if it signs in
	text      string
	stamp     state.Stamp
	on        bool   // it subscribes, or signs in
	user      string // as which user
	calls     []*call
	succeeded bool // the client has been sent its success
}

// hurt reports whether an invocation of the frame died or failed. Then it is unknown what the frame
// has done.
func (a *asked) hurt() bool {
	return slices.ContainsFunc(a.calls, func(c *call) bool { return c.hurt })
}

// repeated reports whether the frame was handed over more than once.
func (a *asked) repeated() bool { return len(a.calls) > 1 }

// last is the newest frame; of two with the same stamp the one that subscribes (docs/steps.md §3,
// "Rules for all steps").
func (t *topic) last() *asked {
	var last *asked
	for _, a := range t.asked {
		if last == nil || a.stamp > last.stamp || a.stamp == last.stamp && a.on {
			last = a
		}
	}
	return last
}

// in returns the frame that subscribed the client, if it is surely subscribed.
func (t *topic) in() *asked {
	if a := t.last(); a != nil && a.on && !a.hurt() {
		return a
	}
	return nil
}

func (p *peer) topic(ch pusher.Channel) *topic {
	if p.topics[ch] == nil {
		p.topics[ch] = &topic{got: map[*event]bool{}, count: -1}
	}
	return p.topics[ch]
}

// event is one that a publisher has sent.
type event struct {
	app      string
	channel  pusher.Channel
	writer   string
	number   int
	at       time.Time
	audience map[*peer]*asked // clients that must get it while that frame is their last
}

func (e *event) String() string { return fmt.Sprintf("%s:%d", e.writer, e.number) }

func (w *world) peer(id pusher.ConnectionID) *peer {
	i := slices.IndexFunc(w.peers, func(p *peer) bool { return p.id == id })
	if i < 0 {
		panic("no connection " + id)
	}
	return w.peers[i]
}

// reached keeps an event that the queue has taken. From now on it must not be lost for clients that
// were sent their success.
func (w *world) reached(b queued) {
	e := &event{app: b.App, channel: b.Channel, at: time.Now(), audience: map[*peer]*asked{}}
	f, _ := pusher.ParseFrame(b.Frame)
	if _, err := fmt.Sscanf(f.Text(), "%1s:%d", &e.writer, &e.number); err != nil {
		panic(err)
	}
	for _, p := range w.peers {
		t := p.topics[b.Channel]
		if p.app.ID != b.App || t == nil || !p.open || p.markedDead != nil {
			continue
		}
		if a := t.in(); a != nil && a.succeeded {
			e.audience[p] = a
		}
	}
	w.sent = append(w.sent, e)
}

// Post posts a frame. The gateway may answer 410 for a client that exists.
func (w *world) Post(ctx context.Context, id pusher.ConnectionID, frame []byte) error {
	if _, err := w.ask(ctx, fmt.Sprintf("post to %s: %s", id, frame)); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.peer(id)
	if w.lie(id) || !p.open {
		return state.ErrGone
	}
	f, err := pusher.ParseFrame(frame)
	if err != nil {
		return err
	}
	w.read(ctx, p, f)
	return nil
}

// Close ends the connection. A $disconnect follows.
func (w *world) Close(ctx context.Context, id pusher.ConnectionID) error {
	if _, err := w.ask(ctx, fmt.Sprintf("close %s", id)); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hangUp(w.peer(id))
	return nil
}

// Alive asks the gateway whether the connection exists.
func (w *world) Alive(ctx context.Context, id pusher.ConnectionID) (bool, error) {
	if _, err := w.ask(ctx, fmt.Sprintf("is %s there", id)); err != nil {
		return false, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.lie(id) && w.peer(id).open, nil
}

func (w *world) lie(id pusher.ConnectionID) bool {
	if w.lies[id] == 0 {
		return false
	}
	w.lies[id]--
	return true
}

func (w *world) hangUp(p *peer) {
	if p.open {
		p.open = false
		w.ends = append(w.ends, p)
	}
}

// read has a client read a frame, and reports a violation that the frame alone shows.
func (w *world) read(ctx context.Context, p *peer, f pusher.Frame) {
	name := strings.TrimPrefix(f.Event, "pusher_internal:")
	switch name {
	case "pusher:connection_established":
		p.up = true
	case "pusher:signin_success":
		p.signin.succeeded = true
	case "watchlist_events":
		p.readStatuses(f)
	}
	if f.Channel == "" {
		return
	}
	t := p.topic(f.Channel)
	if name != "subscription_succeeded" && !t.welcomed {
		w.violate("%s got %s of %s before its success", p.id, f.Event, f.Channel)
	}
	switch name {
	case "subscription_succeeded":
		w.welcomed(ctx, p, t, f)
	case "member_added", "member_removed":
		w.moved(p, t, f, name == "member_added")
	case "subscription_count":
		t.count = memberData(f).Count
	case "e":
		w.got(ctx, p, t, f)
	}
}

// data is the data of the frames about members, counts and statuses.
type data struct {
	Presence struct{ IDs []string }
	UserID   string `json:"user_id"`
	Count    int    `json:"subscription_count"`
	Events   []struct {
		Name  string
		Users []string `json:"user_ids"`
	}
}

func memberData(f pusher.Frame) (d data) {
	_ = json.Unmarshal([]byte(f.Text()), &d) // a frame without such data has none
	return d
}

// readStatuses keeps which users are online.
func (p *peer) readStatuses(f pusher.Frame) {
	for _, e := range memberData(f).Events {
		for _, user := range e.Users {
			p.statuses[user] = e.Name == "online"
		}
	}
}

// welcomed is a success: of the frame that the call answers, or of the frame whose join the
// consumer has in hand.
func (w *world) welcomed(ctx context.Context, p *peer, t *topic, f pusher.Frame) {
	t.welcomed = true
	stamp := state.Stamp(0)
	if b, ok := ctx.Value(joinKey{}).(state.Join); ok {
		stamp = b.Stamp
	} else if c := ctx.Value(callKey{}).(*call); c.asked != nil {
		stamp = c.asked.stamp
	}
	for _, a := range t.asked {
		if a.on && a.stamp == stamp {
			a.succeeded = true
		}
	}
	if last := t.last(); !last.on || last.stamp != stamp { // it has been overtaken
		return
	}
	t.viewing, t.sees = true, map[string]bool{}
	for _, user := range memberData(f).Presence.IDs {
		t.sees[user] = true
	}
}

// moved is a member_added or member_removed. Each comes once, unless the consumer had to begin
// again.
func (w *world) moved(p *peer, t *topic, f pusher.Frame, added bool) {
	user := memberData(f).UserID
	if !t.viewing {
		return
	}
	if t.sees[user] == added && !w.redelivered[channelRow(p.app.ID, f.Channel)] {
		w.violate("%s got %s of %s on %s, which it sees: %t",
			p.id, f.Event, user, f.Channel, t.sees[user])
	}
	t.sees[user] = added
	if !added {
		delete(t.sees, user)
	}
}

// got is an event, live or from the cache. Events of one publisher come in its order. An event
// comes twice only if the consumer had to begin again.
func (w *world) got(ctx context.Context, p *peer, t *topic, f pusher.Frame) {
	i := slices.IndexFunc(w.sent, func(e *event) bool {
		return e.app == p.app.ID && e.channel == f.Channel && e.String() == f.Text()
	})
	if i < 0 {
		w.violate("%s got %s on %s, which was not published there", p.id, f.Text(), f.Channel)
		return
	}
	e, again := w.sent[i], t.got[w.sent[i]]
	t.got[e], t.newest = true, e
	if cached, _ := ctx.Value(cacheKey{}).(*cacheRead); cached != nil && cached.read {
		cached.read = false
		return
	}
	if again && w.redelivered[channelRow(p.app.ID, f.Channel)] {
		return
	}
	if slices.Contains(t.live, i) {
		w.violate("%s got %s on %s twice", p.id, e, f.Channel)
	}
	for _, j := range t.live {
		if w.sent[j].writer == e.writer && w.sent[j].number > e.number {
			w.violate("%s got %s on %s after %s", p.id, e, f.Channel, w.sent[j])
		}
	}
	t.live = append(t.live, i)
}

// violate keeps the first violation. w is locked, or no call is running.
func (w *world) violate(format string, args ...any) {
	if w.wrong == "" {
		w.wrong = fmt.Sprintf(format, args...)
	}
}
