package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"hark/localstack/e2e/wire"
)

//nolint:gochecknoglobals // a flag of the test binary
var lobbyFor = flag.Duration("lobby", time.Minute, "how long TestLobby has users come and go")

// What TestLobby has come and go: as many users as a presence channel may have, each with two
// clients.
const (
	lobbyUsers   = 100
	lobbyClients = 2 * lobbyUsers
	lobbyPause   = 10 * time.Second // the longest that a client stays, or stays away
)

// visitor is a client with the list of members that pusher-js would have.
type visitor struct {
	user string

	mu      sync.Mutex
	conn    *wire.Conn
	joined  bool            // it has been told that it is on the channel
	members map[string]bool // whom it believes to be there
	wrong   []string        // what no client may be sent
}

// sees is whom the visitor believes to be there; nobody if it is not there itself.
func (v *visitor) sees() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.joined {
		return nil
	}
	return slices.Sorted(maps.Keys(v.members))
}

// reads follows what one connection is sent until it ends.
func (v *visitor) reads(c *wire.Conn, channel string) {
	for {
		f, err := c.Next(time.Hour)
		if err != nil {
			v.mu.Lock()
			if v.conn == c {
				v.joined = false
			}
			v.mu.Unlock()
			return
		}
		if f.Channel == channel || f.Event == wire.Error {
			v.hears(f)
		}
	}
}

func (v *visitor) hears(f wire.Frame) {
	v.mu.Lock()
	defer v.mu.Unlock()
	var d struct {
		Presence struct {
			Count int
			IDs   []string
			Hash  map[string]any
		}
		UserID string `json:"user_id"`
	}
	if err := json.Unmarshal([]byte(f.Data), &d); err != nil {
		v.wrong = append(v.wrong, string(f.Raw))
		return
	}
	switch f.Event {
	case wire.SubscriptionSucceeded:
		v.joined, v.members = true, map[string]bool{}
		for _, user := range d.Presence.IDs {
			if v.members[user] {
				v.wrong = append(v.wrong, user+" is twice in "+string(f.Raw))
			}
			v.members[user] = true
		}
		n := len(d.Presence.IDs)
		if d.Presence.Count != n || len(d.Presence.Hash) != n || !v.members[v.user] {
			v.wrong = append(v.wrong, "the list does not add up: "+string(f.Raw))
		}
	case wire.MemberAdded:
		if !v.joined {
			return // it has left, and the frame was under way
		}
		if v.members[d.UserID] {
			v.wrong = append(v.wrong, d.UserID+" came twice")
		}
		v.members[d.UserID] = true
	case wire.MemberRemoved:
		if !v.joined {
			return
		}
		if !v.members[d.UserID] {
			v.wrong = append(v.wrong, d.UserID+" left without having come")
		}
		delete(v.members, d.UserID)
	default:
		v.wrong = append(v.wrong, string(f.Raw))
	}
}

// connects opens a connection, or another one when the first has ended.
func (v *visitor) connects(ctx context.Context, channel string) error {
	ctx, cancel := context.WithTimeout(ctx, crowdPatience)
	defer cancel()
	c, err := wire.Dial(ctx, hark.URL, "/app/"+hark.App.Key)
	if err != nil {
		return err
	}
	if _, err := c.Greeting(crowdPatience); err != nil {
		return err
	}
	v.mu.Lock()
	v.conn, v.joined = c, false
	v.mu.Unlock()
	go v.reads(c, channel)
	return nil
}

// enters joins the channel and waits until it is told so, as pusher-js does before it leaves again.
func (v *visitor) enters(channel string) error {
	data := fmt.Sprintf(`{"user_id":%q}`, v.user)
	v.mu.Lock()
	c := v.conn
	v.mu.Unlock()
	err := c.SendEvent("pusher:subscribe", map[string]string{
		"channel": channel, "channel_data": data, "auth": hark.App.Auth(c.SocketID, channel, data),
	})
	if err != nil {
		return err
	}
	for end := time.Now().Add(crowdPatience); time.Now().Before(end); time.Sleep(
		10 * time.Millisecond,
	) {
		v.mu.Lock()
		joined := v.joined
		v.mu.Unlock()
		if joined {
			return nil
		}
	}
	return errors.New("not told that it has joined")
}

// leaves goes one of the three ways: by a frame, by closing, and by hanging up.
func (v *visitor) leaves(ctx context.Context, channel string, how int) error {
	v.mu.Lock()
	c := v.conn
	v.joined = false
	v.mu.Unlock()
	switch how {
	case 0:
		return c.Unsubscribe(channel)
	case 1:
		_ = c.Close() // the other end may have been faster
	default:
		_ = c.Drop()
	}
	return v.connects(ctx, channel)
}

// visits comes and goes at random until the time is over.
func (v *visitor) visits(
	ctx context.Context, channel string, until time.Time, draw *rand.Rand,
) error {
	there := false
	for time.Now().Before(until) {
		time.Sleep(min(time.Until(until), time.Duration(draw.Int64N(int64(lobbyPause)))))
		var err error
		if there = !there; there {
			err = v.enters(channel)
		} else {
			err = v.leaves(ctx, channel, draw.IntN(3))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// TestLobby has 200 clients of 100 users join and leave one presence channel at random. Then every
// client that is there must see who is there, and in between none may be told that somebody comes
// who is there, or leaves who is not.
func TestLobby(t *testing.T) {
	local(t)
	channel := unique("presence-lobby-")
	t.Logf("users come and go for %s", *lobbyFor)
	visitors := make([]*visitor, lobbyClients)
	for i := range visitors {
		visitors[i] = &visitor{user: fmt.Sprintf("user-%02d", i%lobbyUsers)}
		if err := visitors[i].connects(t.Context(), channel); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second / perSecond)
	}
	var all sync.WaitGroup
	until := time.Now().Add(*lobbyFor)
	for i, v := range visitors {
		all.Go(func() {
			if err := v.visits(t.Context(), channel, until, rand.New(rand.NewPCG(uint64(i), 1))); err != nil { //nolint:gosec // pauses, not secrets
				t.Errorf("%s: %v", v.user, err)
			}
		})
	}
	all.Wait()
	lobbyAgrees(t, visitors, channel)
	for _, v := range visitors {
		if len(v.wrong) > 0 {
			t.Errorf("%s was sent %d frames too many or too few, the first: %s", v.user,
				len(v.wrong), v.wrong[0])
		}
		_ = v.conn.Close()
	}
	eventually(t, func() bool { return subscribers(t, channel) == 0 }, "the end of every row")
}

// lobbyAgrees waits until everybody who is there sees who is there.
func lobbyAgrees(t *testing.T, visitors []*visitor, channel string) {
	t.Helper()
	var differ string
	for end := time.Now().Add(crowdPatience); time.Now().Before(end); time.Sleep(
		100 * time.Millisecond,
	) {
		truth := map[string]bool{}
		for _, v := range visitors {
			if v.sees() != nil {
				truth[v.user] = true
			}
		}
		users := slices.Sorted(maps.Keys(truth))
		differ = ""
		for _, v := range visitors {
			if seen := v.sees(); seen != nil && !slices.Equal(seen, users) {
				differ = fmt.Sprintf("%s sees %d users, there are %d: %v, %v", v.user, len(seen),
					len(users), seen, users)
			}
		}
		if differ == "" {
			t.Logf("%d users are there, as everybody sees", len(users))
			return
		}
	}
	t.Error(differ)
}
