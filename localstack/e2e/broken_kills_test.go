package e2e_test

import (
	"fmt"
	"testing"

	"hark/localstack/e2e/wire"
)

// fate is what happens to a client whose subscribe was killed.
type fate string

const (
	// until it subscribes again: no row could mend that (docs/steps.md §5)
	unsubscribed fate = "it is on no channel, and is sent nothing"
	returns      fate = "the next event closes it, and it comes back"
	unharmed     fate = "it is on the channel"
)

// death is one point in a subscribe at which its function is killed.
type death struct {
	do   string
	nth  int
	fate fate
}

func (d death) String() string { return fmt.Sprintf("%s %d: %s", d.do, d.nth, d.fate) }

const (
	before = "kill-before-write"
	after  = "kill-after-write"
)

// dying is a client whose subscribe was killed.
type dying struct {
	death
	*reconnecting
	channel string
}

// killsEach makes a client for each death, with a channel of its own, and kills the function of its
// subscribe there. It returns when all functions are dead.
func killsEach(t *testing.T, prefix string, deaths []death, others ...*reconnecting) []dying {
	t.Helper()
	var all []dying
	for i, d := range deaths {
		ch := unique(prefix)
		for _, other := range others {
			other.enters(ch)
			agree(t, ch, other)
		}
		r := newReconnecting(t, fmt.Sprintf("dies-%d", i))
		strikes(t, 1, func() { r.enters(ch) },
			ofFrames(fault{"do": d.do, "nth": d.nth, "count": 1})...)
		eventually(t, func() bool { return r.gatewayErrors() == 1 },
			"API Gateway to say that its function has died")
		all = append(all, dying{d, r, ch})
	}
	return all
}

// A subscribe to an empty channel writes four times: the channel into the connection's row, the
// subscription's row, the marker (before it a check, if the stack has webhooks), and the row again,
// settled, when the client has been sent the success. Wherever its function dies, no client may
// believe to be subscribed and receive nothing: the next event reaches it, or closes it within
// three seconds.
func TestAKilledSubscribeLeavesNoDeafClient(t *testing.T) {
	local(t)
	errorsBefore := gatewayErrors(t)
	deaths := []death{
		{before, 1, unsubscribed}, {after, 1, unsubscribed}, {before, 2, unsubscribed},
	}
	last := 4
	if hasWebhooks() {
		last++
	}
	for nth := 2; nth < last; nth++ { // there is a row, which is pending until the last write
		deaths = append(deaths, death{after, nth, returns}, death{before, nth + 1, returns})
	}
	all := killsEach(t, "room-", append(deaths, death{after, last, unharmed}))
	wantGatewayErrors(t, errorsBefore, len(all))
	var channels []string
	for _, d := range all {
		channels = append(channels, d.channel)
	}
	publish(t, wire.Event{Name: "test", Channels: channels, Data: "first"})
	for _, d := range all {
		switch d.fate {
		case unsubscribed:
			rows := rowsOf(t, d.channel)
			if len(rows) > 0 || listed(t, d.channel) || d.isOn(d.channel) {
				t.Errorf("%s: there are %v", d, rows)
			}
			continue
		case returns:
			eventually(t, func() bool { return len(d.connectionIDs()) == 2 }, d.String())
		case unharmed:
			eventually(t, func() bool { return d.received(d.channel, "first") }, d.String())
		}
		agree(t, d.channel, d.reconnecting)
	}
	for _, d := range all {
		if d.fate == unsubscribed {
			if d.do == before {
				continue // it stays unsubscribed to the end
			}
			d.drop() // and subscribes again
			agree(t, d.channel, d.reconnecting)
		}
		publish(t, wire.Event{Name: "test", Channel: d.channel, Data: "second"})
		eventually(t, func() bool { return d.received(d.channel, "second") },
			fmt.Sprintf("%s: the second event", d))
	}
	wantGatewayErrors(t, errorsBefore, len(all))
	var clients []*reconnecting
	for _, d := range all {
		clients = append(clients, d.reconnecting)
	}
	expectNoRows(t, clients, channels...)
}

// A subscribe to a presence channel writes a lease, the channel into the connection's row, and a
// message to the channel's consumer. Until the message is sent no other client sees the user, and
// the client may subscribe again on the same connection. Afterwards the user is a member.
func TestAKilledPresenceSubscribeIsSeenOrRepeated(t *testing.T) {
	local(t)
	errorsBefore := gatewayErrors(t)
	stays := newReconnecting(t, "stays")
	all := killsEach(t, "presence-room-", []death{
		{before, 1, unsubscribed},
		{after, 1, unsubscribed},
		{before, 2, unsubscribed},
		{after, 2, unsubscribed},
		{before, 3, unsubscribed},
		{after, 3, unharmed},
	}, stays)
	for _, d := range all {
		if d.fate == unsubscribed {
			if users := usersOf(rowsOf(t, d.channel)); len(users) != 1 {
				t.Errorf("%s: %v are there", d, users)
			}
			d.enters(d.channel)
		}
		agree(t, d.channel, stays, d.reconnecting)
		publish(t, wire.Event{Name: "test", Channel: d.channel, Data: "first"})
		eventually(t, func() bool { return d.received(d.channel, "first") },
			fmt.Sprintf("%s: the event", d))
	}
	wantGatewayErrors(t, errorsBefore, len(all))
	for _, d := range all {
		ids := d.connectionIDs()
		d.close()
		agree(t, d.channel, stays)
		sweepAll(t, ids)
		awaitNoRows(t, ids)
	}
	if n := stays.wrongMoves(); n > 0 {
		t.Errorf("%d users came who were there, or left who were not", n)
	}
}
