package e2e_test

import (
	"fmt"
	"testing"

	"hark/localstack/e2e/wire"
)

// fate is what becomes of a client whose frame's function was killed.
type fate string

const (
	// until it asks again: no row could mend that (docs/steps.md §5)
	forgotten fate = "it is on no channel, and nothing tells it"
	returns   fate = "the next event closes it, and it comes back"
	unharmed  fate = "it is on the channel"
)

// death is one place in a subscribe at which its function is killed.
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
	*regular
	channel string
}

// killsEach has a client for each death, and a channel of its own, and kills the function of its
// subscribe there. It returns when all are dead.
func killsEach(t *testing.T, prefix string, deaths []death, others ...*regular) []dying {
	t.Helper()
	var all []dying
	for i, d := range deaths {
		ch := unique(prefix)
		for _, other := range others {
			other.enters(ch)
			agree(t, ch, other)
		}
		r := regularly(t, fmt.Sprintf("dies-%d", i))
		strikes(t, 1, func() { r.enters(ch) },
			ofFrames(fault{"do": d.do, "nth": d.nth, "count": 1})...)
		eventually(t, func() bool { return r.ownAnswers() == 1 },
			"API Gateway to say that its function has died")
		all = append(all, dying{d, r, ch})
	}
	return all
}

// A subscribe to a channel on which nobody is writes four times: it notes the channel in the
// connection's row, writes its own row, lists the channel (and before that, if apps are told of
// their channels, sends a check), and settles the row when the client has been told. Wherever its
// function dies, no client believes to be subscribed that hears nothing: the first event finds it,
// or closes it within three seconds.
func TestMessageKilledDuringASubscribe(t *testing.T) {
	local(t)
	own := ownErrors(t)
	deaths := []death{{before, 1, forgotten}, {after, 1, forgotten}, {before, 2, forgotten}}
	last := 4
	if webhooks() {
		last++
	}
	for nth := 2; nth < last; nth++ { // there is a row, which is pending until the last write
		deaths = append(deaths, death{after, nth, returns}, death{before, nth + 1, returns})
	}
	all := killsEach(t, "room-", append(deaths, death{after, last, unharmed}))
	ownErrorsSince(t, own, len(all))
	var channels []string
	for _, d := range all {
		channels = append(channels, d.channel)
	}
	publish(t, wire.Event{Name: "test", Channels: channels, Data: "first"})
	for _, d := range all {
		switch d.fate {
		case forgotten:
			rows := rowsOf(t, d.channel)
			if len(rows) > 0 || listed(t, d.channel) || d.is(d.channel) {
				t.Errorf("%s: there are %v", d, rows)
			}
			continue
		case returns:
			eventually(t, func() bool { return len(d.connections()) == 2 }, d.String())
		case unharmed:
			eventually(t, func() bool { return d.heard(d.channel, "first") }, d.String())
		}
		agree(t, d.channel, d.regular)
	}
	for _, d := range all {
		if d.fate == forgotten {
			if d.do == before {
				continue // it ends as it is
			}
			d.hangsUp() // and asks again
			agree(t, d.channel, d.regular)
		}
		publish(t, wire.Event{Name: "test", Channel: d.channel, Data: "second"})
		eventually(t, func() bool { return d.heard(d.channel, "second") },
			fmt.Sprintf("%s: the second event", d))
	}
	ownErrorsSince(t, own, len(all))
	var clients []*regular
	for _, d := range all {
		clients = append(clients, d.regular)
	}
	noTrace(t, clients, channels...)
}

// A subscribe to a presence channel writes a lease, the channel into the connection's row, and a
// message for the channel's consumer. Unless that was sent nobody hears of the user, and it may ask
// again on the same connection; once it was, the user is there.
func TestMessageKilledDuringAPresenceSubscribe(t *testing.T) {
	local(t)
	own := ownErrors(t)
	stays := regularly(t, "stays")
	all := killsEach(t, "presence-room-", []death{
		{before, 1, forgotten},
		{after, 1, forgotten},
		{before, 2, forgotten},
		{after, 2, forgotten},
		{before, 3, forgotten},
		{after, 3, unharmed},
	}, stays)
	for _, d := range all {
		if d.fate == forgotten {
			if users := usersOf(rowsOf(t, d.channel)); len(users) != 1 {
				t.Errorf("%s: %v are there", d, users)
			}
			d.enters(d.channel)
		}
		agree(t, d.channel, stays, d.regular)
		publish(t, wire.Event{Name: "test", Channel: d.channel, Data: "first"})
		eventually(t, func() bool { return d.heard(d.channel, "first") },
			fmt.Sprintf("%s: the event", d))
	}
	ownErrorsSince(t, own, len(all))
	for _, d := range all {
		ids := d.connections()
		d.goes()
		agree(t, d.channel, stays)
		sweepAll(t, ids)
		untraced(t, ids)
	}
	if n := stays.moved(); n > 0 {
		t.Errorf("%d users came who were there, or left who were not", n)
	}
}
