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
var lobbyFor = flag.Duration("lobby", time.Minute, "how long users come and go in the lobby")

// The users and clients of TestMembersAgreeInALobby: as many users as a presence channel allows,
// with two clients each.
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
	joined  bool            // its subscribe has succeeded
	members map[string]bool // its list of members
	wrong   []string        // frames that must not be sent
}

// sees returns the members that the visitor knows of; nil if it is not on the channel itself.
func (v *visitor) sees() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.joined {
		return nil
	}
	return slices.Sorted(maps.Keys(v.members))
}

// reads handles the frames of one connection until it ends.
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
			v.receives(f)
		}
	}
}

func (v *visitor) receives(f wire.Frame) {
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
			return // it has left; the frame was on its way
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

// connects opens the visitor's connection, or its next one.
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

// enters joins the channel and waits for the success, as pusher-js does before it unsubscribes.
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
	for end := time.Now().Add(crowdPatience); time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
		v.mu.Lock()
		joined := v.joined
		v.mu.Unlock()
		if joined {
			return nil
		}
	}
	return errors.New("its join did not succeed")
}

// leaves leaves in one of three ways: by an unsubscribe, by a close frame, or by dropping the
// connection.
func (v *visitor) leaves(ctx context.Context, channel string, how int) error {
	v.mu.Lock()
	c := v.conn
	v.joined = false
	v.mu.Unlock()
	switch how {
	case 0:
		return c.Unsubscribe(channel)
	case 1:
		_ = c.Close() // the server may have closed it before
	default:
		_ = c.Drop()
	}
	return v.connects(ctx, channel)
}

// visits joins and leaves at random until the time is over.
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

// TestMembersAgreeInALobby makes 200 clients of 100 users join and leave one presence channel at
// random. Meanwhile no client may be sent that a member came who is there, or that one left who is
// not. Afterwards every client on the channel must have the right list of members.
func TestMembersAgreeInALobby(t *testing.T) {
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
			draw := rand.New(rand.NewPCG(uint64(i), 1)) //nolint:gosec // pauses, not secrets
			if err := v.visits(t.Context(), channel, until, draw); err != nil {
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

// lobbyAgrees waits until every visitor on the channel has the right list of members.
func lobbyAgrees(t *testing.T, visitors []*visitor, channel string) {
	t.Helper()
	var differ string
	for end := time.Now().Add(crowdPatience); time.Now().Before(end); {
		time.Sleep(100 * time.Millisecond)
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
			t.Logf("%d users are there, as every client sees", len(users))
			return
		}
	}
	t.Error(differ)
}
