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

// reconnecting is a client that comes back. When its connection ends it opens another one and
// subscribes to its channels again, and it keeps the members of presence channels, both as
// pusher-js does. It records frames that no client may be sent.
type reconnecting struct {
	t    *testing.T
	user string // its user on presence channels
	done chan struct{}

	mu      sync.Mutex
	closed  bool
	wants   map[string]bool // the channels that it wants to be on
	conn    *wire.Conn      // nil while it is away
	sockets []string        // the socket IDs of all its connections so far
	// members, by the channels whose subscribe on this connection has succeeded
	lists map[string]map[string]bool
	left  map[string]bool // channels left on this connection; frames of theirs may still come
	// API Gateway itself answered a frame of this connection, so that it may have had no effect
	unsure bool

	events     map[string][]string // the data of events, by channel
	joins      map[string]int      // successes, by channel
	gatewayOwn int                 // frames that API Gateway itself answered, with its own JSON
	badMoves   int                 // see wrongMoves
	unexpected []string            // frames that no client may be sent
}

// away is how long the client waits before it opens its next connection.
const away = 50 * time.Millisecond

// newReconnecting starts a client of that user, which keeps coming back until the test ends.
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

// run opens one connection after another.
func (r *reconnecting) run(ctx context.Context) {
	defer close(r.done)
	for r.running() {
		if c := r.dial(ctx); c != nil {
			r.read(c)
			_ = c.Close() // usually closed already
		}
		time.Sleep(away)
	}
}

func (r *reconnecting) running() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.closed
}

// dial returns nil if the connection fails; the client then tries again.
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

// subscribe sends a subscribe; the caller holds the lock. If the connection has ended, the next one
// subscribes.
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

// read handles the frames of a connection until it ends.
func (r *reconnecting) read(c *wire.Conn) {
	for {
		raw, err := c.Message(time.Hour)
		r.mu.Lock()
		if err != nil {
			r.conn, r.lists = nil, nil
			// closed by the server, or by the client itself
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

// receives handles a message; the caller holds the lock.
func (r *reconnecting) receives(raw []byte) {
	f, err := wire.ParseFrame(raw)
	switch {
	case err != nil && strings.Contains(string(raw), `"connectionId"`):
		r.gatewayOwn++ // {"message": "Internal server error", …}
		r.unsure = true
	case err != nil:
		r.unexpected = append(r.unexpected, err.Error())
	case f.Event == wire.Error || f.Event == wire.SubscriptionError:
		if d, err := f.ErrorData(); err != nil || d.Code != 4200 { // 4200 asks it to come back
			r.unexpected = append(r.unexpected, string(raw))
		}
	case f.Event == wire.SubscriptionSucceeded:
		if r.wants[f.Channel] {
			r.succeeded(f)
		}
	case f.Event == wire.CacheMiss:
	case f.Event == wire.Established && strings.Contains(f.Data, r.sockets[len(r.sockets)-1]):
		// The greeting came twice: a post whose answer was late is repeated.
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
		r.badMoves++
	}
	if comes {
		members[d.UserID] = true
	} else {
		delete(members, d.UserID)
	}
}

// enters subscribes on this connection and on all that follow.
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
		_ = r.conn.Unsubscribe(channel) // fails only if the connection has ended
	}
}

// drop ends the connection without a close frame. The client comes back.
func (r *reconnecting) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conn != nil {
		_ = r.conn.Drop() // the server may have closed it before
	}
}

// close ends the connection and the client.
func (r *reconnecting) close() {
	r.mu.Lock()
	r.closed = true
	if r.conn != nil {
		_ = r.conn.Close() // the server may have closed it before
	}
	r.mu.Unlock()
	<-r.done
	if len(r.unexpected) > 0 {
		r.t.Errorf("%s was sent %d frames that it must not be sent, the first: %s", r.user,
			len(r.unexpected), r.unexpected[0])
		r.unexpected = nil
	}
}

// socketID is the socket ID of the connection; empty while there is none.
func (r *reconnecting) socketID() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conn == nil {
		return ""
	}
	return r.conn.SocketID
}

// connectionIDs returns API Gateway's IDs of all connections that the client has had.
func (r *reconnecting) connectionIDs() (ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, socket := range r.sockets {
		ids = append(ids, connectionID(r.t, socket))
	}
	return ids
}

// connectionID is API Gateway's ID of the connection; empty while there is none.
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

// isOn reports whether the client believes to be on the channel: its subscribe has succeeded.
func (r *reconnecting) isOn(channel string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lists[channel] != nil
}

// sees returns the client's list of members of a presence channel.
func (r *reconnecting) sees(channel string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.lists[channel]))
}

// received reports whether an event with that data has come.
func (r *reconnecting) received(
	channel, data string,
) bool {
	return r.timesReceived(channel, data) > 0
}

// timesReceived is how often an event with that data has come.
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

// successes is how often a subscribe to the channel has succeeded, over all connections.
func (r *reconnecting) successes(channel string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.joins[channel]
}

// gatewayErrors is how often API Gateway itself has answered a frame.
func (r *reconnecting) gatewayErrors() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.gatewayOwn
}

// wrongMoves is how often members came who were there, or left who were not. A broadcast that is
// repeated may cause that.
func (r *reconnecting) wrongMoves() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.badMoves
}
