package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hark/localstack/e2e/wire"
)

// regular is a client that comes back. It wants to be on its channels, and whenever its connection
// ends it opens another one and subscribes anew, as pusher-js does; like pusher-js it keeps the
// members of presence channels. Whatever no client may be sent, it notes.
type reconnecting struct {
	t    *testing.T
	user string // as whom it joins presence channels
	done chan struct{}

	mu      sync.Mutex
	closed  bool
	wants   map[string]bool
	conn    *wire.Conn                 // nil while it is away
	sockets []string                   // the IDs of all connections that it has had
	lists   map[string]map[string]bool // the channels that it was told it is on, with their members
	// channels that it has left on this connection, of which something may still come
	left map[string]bool
	// a frame of this connection was answered by API Gateway itself, so that it may have had no
	// effect
	unsure bool
	events map[string][]string // the data of events, by channel
	joins  map[string]int      // how often it was told that it is on a channel
	own    int                 // answers that were API Gateway's own JSON
	// users who came though they were there, or left though they were not
	wrong      int
	unexpected []string // frames that no client may be sent
}

// away is how long a regular waits before it opens its next connection.
const away = 50 * time.Millisecond

// newReconnecting has a client of that user come, and come back until the test ends.
func newReconnecting(t *testing.T, user string, channels ...string) *reconnecting {
	t.Helper()
	r := &reconnecting{
		t: t, user: user, done: make(chan struct{}), wants: map[string]bool{},
		events: map[string][]string{}, joins: map[string]int{},
	}
	for _, ch := range channels {
		r.wants[ch] = true
	}
	go r.run(t.Context())
	t.Cleanup(r.close)
	eventually(t, func() bool { return r.socketID() != "" }, "a connection")
	return r
}

// lives opens one connection after another.
func (r *reconnecting) run(ctx context.Context) {
	defer close(r.done)
	for r.running() {
		if c := r.dial(ctx); c != nil {
			r.read(c)
			_ = c.Close() // the other end has, mostly
		}
		time.Sleep(away)
	}
}

func (r *reconnecting) running() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.closed
}

// opens returns nil if it is not let in: then it tries again.
func (r *reconnecting) dial(ctx context.Context) *wire.Conn {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := wire.Dial(ctx, hark.URL, "/app/"+hark.App.Key+"?protocol=7")
	if err != nil {
		return nil
	}
	if _, err := c.Greeting(patience); err != nil {
		_ = c.Close()
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		_ = c.Close()
		return nil
	}
	r.conn, r.sockets = c, append(r.sockets, c.SocketID)
	r.lists, r.left, r.unsure = map[string]map[string]bool{}, map[string]bool{}, false
	for ch := range r.wants {
		r.subscribe(ch)
	}
	return c
}

// asks sends a subscribe; the caller holds the lock. Should the connection have ended, the next one
// will ask.
func (r *reconnecting) subscribe(channel string) {
	data := ""
	if strings.HasPrefix(channel, "presence-") {
		data = channelData(r.user, "")
	}
	_ = r.conn.SendEvent("pusher:subscribe", map[string]string{
		"channel": channel, "channel_data": data,
		"auth": hark.App.Auth(r.conn.SocketID, channel, data),
	})
}

// reads follows what a connection is sent until it ends.
func (r *reconnecting) read(c *wire.Conn) {
	for {
		raw, err := c.Message(time.Hour)
		r.mu.Lock()
		if err != nil {
			r.conn, r.lists = nil, nil
			// by the other end, by ourselves
			_, ended := errors.AsType[*wire.ClosedError](err)
			if !ended && !errors.Is(err, net.ErrClosed) {
				r.unexpected = append(r.unexpected, err.Error())
			}
			r.mu.Unlock()
			return
		}
		r.receives(raw)
		r.mu.Unlock()
	}
}

// hears takes a message; the caller holds the lock.
func (r *reconnecting) receives(raw []byte) {
	f, err := wire.ParseFrame(raw)
	switch {
	// {"message": "Internal server error", …}
	case err != nil && strings.Contains(string(raw), `"connectionId"`):
		r.own++
		r.unsure = true
	case err != nil:
		r.unexpected = append(r.unexpected, err.Error())
	case f.Event == wire.Error || f.Event == wire.SubscriptionError:
		if d, err := f.ErrorData(); err != nil || d.Code != 4200 { // it is to come back
			r.unexpected = append(r.unexpected, string(raw))
		}
	case f.Event == wire.SubscriptionSucceeded:
		if r.wants[f.Channel] {
			r.succeeded(f)
		}
	case f.Event == wire.CacheMiss:
	// a post that was answered late is repeated
	case f.Event == wire.Established && strings.Contains(f.Data, r.sockets[len(r.sockets)-1]):
	case r.lists[f.Channel] == nil:
		if !r.left[f.Channel] {
			r.unexpected = append(r.unexpected, "before its success: "+string(raw))
		}
	case f.Event == wire.MemberAdded || f.Event == wire.MemberRemoved:
		r.memberMoved(f)
	default:
		r.events[f.Channel] = append(r.events[f.Channel], f.Data)
	}
}

func (r *reconnecting) succeeded(f wire.Frame) {
	var d struct{ Presence struct{ IDs []string } }
	if err := json.Unmarshal([]byte(f.Data), &d); err != nil {
		r.unexpected = append(r.unexpected, string(f.Raw))
	}
	members := map[string]bool{}
	for _, user := range d.Presence.IDs {
		if members[user] {
			r.unexpected = append(r.unexpected, user+" is twice in "+string(f.Raw))
		}
		members[user] = true
	}
	r.lists[f.Channel] = members
	r.joins[f.Channel]++
}

func (r *reconnecting) memberMoved(f wire.Frame) {
	var d struct {
		UserID string `json:"user_id"`
	}
	if err := json.Unmarshal([]byte(f.Data), &d); err != nil {
		r.unexpected = append(r.unexpected, string(f.Raw))
	}
	members, comes := r.lists[f.Channel], f.Event == wire.MemberAdded
	if members[d.UserID] == comes {
		r.wrong++
	}
	if comes {
		members[d.UserID] = true
	} else {
		delete(members, d.UserID)
	}
}

// enters subscribes, on this connection and all that follow it.
func (r *reconnecting) enters(channel string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wants[channel] = true
	if r.conn != nil {
		r.subscribe(channel)
	}
}

// leaves unsubscribes.
func (r *reconnecting) leaves(channel string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.wants, channel)
	if r.conn != nil {
		delete(r.lists, channel)
		r.left[channel] = true
		_ = r.conn.Unsubscribe(channel) // the end of the connection does the same
	}
}

// hangsUp ends the connection without a word, so that another one follows.
func (r *reconnecting) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conn != nil {
		_ = r.conn.Drop() // the other end may have been faster
	}
}

// goes ends the connection for good.
func (r *reconnecting) close() {
	r.mu.Lock()
	r.closed = true
	if r.conn != nil {
		_ = r.conn.Close() // the same
	}
	r.mu.Unlock()
	<-r.done
	if len(r.unexpected) > 0 {
		r.t.Errorf("%s was sent %d frames that it must not be sent, the first: %s", r.user,
			len(r.unexpected), r.unexpected[0])
		r.unexpected = nil
	}
}

// socket is the ID of its connection, empty while it has none.
func (r *reconnecting) socketID() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conn == nil {
		return ""
	}
	return r.conn.SocketID
}

// connections are all that it has had, by the names that API Gateway has for them.
func (r *reconnecting) connectionIDs() (ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, socket := range r.sockets {
		ids = append(ids, connectionID(r.t, socket))
	}
	return ids
}

// connection is the one it has; empty while it has none.
func (r *reconnecting) connectionID() string {
	if socket := r.socketID(); socket != "" {
		return connectionID(r.t, socket)
	}
	return ""
}

func connectionID(t *testing.T, socket string) string {
	t.Helper()
	return client{&wire.Conn{SocketID: socket}, hark.App, t}.connectionID()
}

// is on the channel, as far as it was told.
func (r *reconnecting) isOn(channel string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lists[channel] != nil
}

// sees is whom it believes to be on a presence channel.
func (r *reconnecting) sees(channel string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.lists[channel]))
}

// heard reports whether an event with that data has come.
func (r *reconnecting) received(channel, data string) bool { return r.timesReceived(channel, data) > 0 }

// times is how often an event with that data has come.
func (r *reconnecting) timesReceived(channel, data string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range r.events[channel] {
		if d == data {
			n++
		}
	}
	return n
}

// successes is how often it was told that it is on the channel, over all of its connections.
func (r *reconnecting) successes(channel string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.joins[channel]
}

// ownAnswers is how often API Gateway itself has answered.
func (r *reconnecting) gatewayErrors() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.own
}

// moved is how often users came who were there, or left who were not. A broadcast that is repeated
// may say so.
func (r *reconnecting) wrongMoves() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.wrong
}
