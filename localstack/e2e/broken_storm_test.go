package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The rooms, users and times of TestClientsAgreeAfterAStorm.
const (
	stormRooms   = 6
	stormUsers   = 20 // each with two clients
	stormFor     = 15 * time.Second
	stormPause   = 3 * time.Second // the longest that a client stays, or stays away
	stormTimeout = 5 * time.Second // the longest that a client waits for a success
)

// storm returns all faults at once: functions that die, lost $disconnects, repeated invocations and
// messages, late and refused posts. At its worst DynamoDB also refuses a fifth of all calls, which
// makes everything slow, and consumers die.
func storm(worst bool) []fault {
	all := slices.Concat([]fault{
		{"do": "kill-after-write", "function": "disconnect", "rate": 0.1},
		{"do": "repeat-invocation", "function": "disconnect", "rate": 0.2},
		{"do": "repeat-message", "function": "broadcast", "rate": 0.2, "delay": "50ms"},
		{"do": "lose-disconnect", "rate": 0.2},
		{"do": "gone", "rate": 0.01},
		{"do": "slow", "service": "connections", "rate": 0.1, "delay": "50ms"},
		{"do": "reorder", "delay": "50ms"},
	},
		ofFrames(fault{"do": "kill-before-write", "nth": 2, "rate": 0.05}),
		ofFrames(fault{"do": "kill-after-write", "nth": 3, "rate": 0.05}),
		ofFrames(fault{"do": "repeat-invocation", "rate": 0.2}),
	)
	if !worst {
		return all
	}
	return append(all,
		fault{"do": "answer", "service": "dynamodb", "status": 429, "rate": 0.2},
		fault{
			"do": "kill-before-write", "function": "broadcast", "nth": 2, "rate": 0.1, "count": 1,
		},
		fault{"do": "kill-after-write", "function": "broadcast", "rate": 0.1, "count": 1})
}

// TestClientsAgreeAfterAStorm makes 40 clients of 20 users come and go at random on six presence
// channels while everything breaks. Afterwards every client that believes to be on a channel has a
// row there and sees the users of all rows. When sweep has looked at the connections that have
// ended, none of them has a row. When all clients are closed, no row is left.
func TestClientsAgreeAfterAStorm(t *testing.T) {
	local(t)
	errorsBefore := gatewayErrors(t)
	var rooms []string
	for range stormRooms {
		rooms = append(rooms, unique("presence-storm-"))
	}
	var all []*reconnecting
	for i := range 2 * stormUsers {
		all = append(all, newReconnecting(t, fmt.Sprintf("user-%02d", i/2)))
	}
	until := time.Now().Add(stormFor)
	var visits sync.WaitGroup
	for i, r := range all {
		draw := rand.New(rand.NewPCG(uint64(i), 7)) //nolint:gosec // pauses, not secrets
		visits.Go(func() { r.visits(rooms, until, draw) })
	}
	mend := breaks(t, storm(true)...)
	time.Sleep(stormFor / 2)
	killed := frameKills(t)
	mend()
	mend = breaks(t, storm(false)...)
	visits.Wait()
	killed += frameKills(t)
	mend()
	for _, room := range rooms {
		stormEnds(t, room, all, false)
	}

	answered, joins, ended := 0, 0, []string(nil)
	for _, r := range all {
		for _, room := range rooms {
			joins += r.successes(room)
		}
		current := r.connectionID()
		for _, id := range r.connectionIDs() {
			if id != current {
				ended = append(ended, id)
			}
		}
		answered += r.gatewayErrors()
	}
	t.Logf("%d subscribes succeeded, %d connections ended, %d functions died with a frame",
		joins, len(ended), killed)
	sweepAll(t, ended)
	for _, room := range rooms {
		stormEnds(t, room, all, true)
	}
	// API Gateway answers a frame itself if its function has died and the client is still there.
	if got := gatewayErrors(t) - errorsBefore; got < answered || got > killed {
		t.Errorf("API Gateway answered %d frames itself; %d functions died, clients got %d answers",
			got, killed, answered)
	}
	expectNoRows(t, all, rooms...)
}

// frameKills counts the functions that were killed while they handled a frame.
func frameKills(t *testing.T) (n int) {
	t.Helper()
	for _, f := range faultsSet(t) {
		if strings.HasPrefix(f.Do, "kill-") &&
			(f.Function == "message" || f.Function == "subscribe") {
			n += f.Hits
		}
	}
	return n
}

// visits comes and goes at random until the time is over. If a subscribe does not succeed in time
// it reconnects, as a user would reload a page.
func (r *reconnecting) visits(rooms []string, until time.Time, draw *rand.Rand) {
	room := ""
	for there := false; time.Now().Before(until); {
		time.Sleep(min(time.Until(until), time.Duration(draw.Int64N(int64(stormPause)))))
		switch there = !there; {
		case there:
			room = rooms[draw.IntN(len(rooms))]
			r.enters(room)
			for end := time.Now().Add(stormTimeout); !r.isOn(room) && time.Now().Before(end); {
				time.Sleep(20 * time.Millisecond)
			}
			if !r.isOn(room) {
				r.drop()
			}
		case draw.IntN(3) == 0:
			r.leaves(room)
		default:
			r.mu.Lock()
			delete(r.wants, room)
			r.mu.Unlock()
			r.drop()
		}
	}
}

// stormEnds waits until clients and rows agree. With noGhosts, every row must also belong to a
// client that is there.
func stormEnds(t *testing.T, room string, all []*reconnecting, noGhosts bool) {
	t.Helper()
	differ := ""
	for end := time.Now().Add(2 * patience); time.Now().Before(end); {
		if differ = stormDiffers(rowsOf(t, room), room, all, noGhosts); differ == "" {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("%s: %s", room, differ)
}

func stormDiffers(
	rows map[string]subscription, room string, all []*reconnecting, noGhosts bool,
) string {
	users, clients := usersOf(rows), 0
	for id, s := range rows {
		if s.pending {
			return id + " is pending"
		}
	}
	for _, r := range all {
		id := r.connectionID()
		r.mu.Lock()
		wants, unsure := r.wants[room], r.unsure
		r.mu.Unlock()
		_, has := rows[id]
		switch {
		case id == "":
			return r.user + " is away"
		case r.isOn(room) && !has:
			return fmt.Sprintf("%s (%s) believes to be there and has no row", r.user, id)
		case r.isOn(room) && !slices.Equal(r.sees(room), users):
			return fmt.Sprintf("%s (%s) sees %v, there are %v", r.user, id, r.sees(room), users)
		case !unsure && (wants != r.isOn(room) || wants != has):
			return fmt.Sprintf("%s (%s) wants to be there: %v, believes to be: %v, has a row: %v",
				r.user, id, wants, r.isOn(room), has)
		}
		if has {
			clients++
		}
	}
	if noGhosts && clients != len(rows) {
		return fmt.Sprintf("%d rows belong to no client", len(rows)-clients)
	}
	return ""
}
