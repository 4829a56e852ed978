package membership_test

import (
	"maps"
	"slices"
	"strings"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

// judgeQuiet compares all rows and clients with the model when all calls have ended; ghosts only
// after phase 1.
func (h *history) judgeQuiet(swept bool) {
	t := h.rows()
	for _, p := range h.peers {
		switch {
		case p.open && p.markedDead != nil:
			if !p.markedDead.hurt {
				h.violate("%s was forgotten, but is not closed", p.id)
			}
		case p.open && p.up:
			h.judgeOpen(t, p, swept)
		case !p.open && swept:
			h.judgeClosed(t, p)
		}
	}
	h.judgeMarkers(t)
	h.judgeCounts(t)
	h.judgeEvents()
}

// judgeOpen compares the rows of a connection and what its client sees.
func (h *history) judgeOpen(t table, p *peer, swept bool) {
	c, found := t.connections[p.id]
	if !found || c.flag("dead") {
		h.violate("%s is open, its row is not there or dead", p.id)
		return
	}
	for _, ch := range channels() {
		in := p.topics[ch]
		if in == nil || in.last() == nil {
			continue
		}
		key := channelRow(p.app.ID, ch)
		s, subscribed := t.subscriptions[key][p.id]
		if s.flag("pending") && (ch.Presence() || !in.last().hurt()) {
			h.violate("%s stays pending on %s", p.id, ch)
		}
		last := in.last()
		if last.hurt() {
			continue
		}
		stamp, user := state.Stamp(s.number("v")), s.text("user")
		if subscribed != last.on || last.on && (stamp != last.stamp || user != last.user) {
			h.violate("%s asked for %s: %t at %d as %q; its row is there: %t, of %d as %q",
				p.id, ch, last.on, last.stamp, last.user, subscribed, stamp, user)
		}
		if on := c.stamp("on", ch); last.on != (on == last.stamp) {
			h.violate("%s asked for %s: %t at %d; its connection says %d",
				p.id, ch, last.on, last.stamp, on)
		}
		if last.on {
			h.judgeView(t, p, in, ch)
		}
	}
	h.judgeUser(t, p, c, swept)
}

// judgeView compares what a subscribed client was sent with the rows.
func (h *history) judgeView(t table, p *peer, in *topic, ch pusher.Channel) {
	key := channelRow(p.app.ID, ch)
	if !in.last().succeeded {
		h.violate("%s was never sent that it is subscribed to %s", p.id, ch)
		return
	}
	if ch.Presence() {
		truth := map[string]bool{}
		for _, s := range t.subscriptions[key] {
			truth[s.text("user")] = true
		}
		if !maps.Equal(truth, in.sees) {
			h.violate("%s sees %v on %s, the rows say %v", p.id, sorted(in.sees), ch, sorted(truth))
		}
	} else if p.app.SubscriptionCount && !h.hurt[key] {
		if n := len(t.subscriptions[key]); in.count != n {
			h.violate("%s was sent the count %d of %s, there are %d", p.id, in.count, ch, n)
		}
	}
	if !ch.Cache() {
		return
	}
	var newest *event
	for _, e := range h.sent {
		if e.app == p.app.ID && e.channel == ch {
			newest = e
		}
	}
	if newest != nil && in.newest != newest && time.Since(newest.at) < 25*time.Minute {
		h.violate("%s has %v of %s, the newest is %v", p.id, in.newest, ch, newest)
	}
}

// judgeUser compares a sign-in, and the statuses of the users that the client watches.
func (h *history) judgeUser(t table, p *peer, c row, swept bool) {
	if p.signin == nil || p.signin.hurt() {
		return
	}
	_, online := t.users[userRow(p.app.ID, p.user)][p.id]
	if !online || c.text("user") != p.user || !p.signin.succeeded {
		h.violate("%s signed in as %s; its row is there: %t, the connection says %q, success: %t",
			p.id, p.user, online, c.text("user"), p.signin.succeeded)
	}
	for _, user := range p.watch {
		row := userRow(p.app.ID, user)
		if h.hurt[row] && !swept {
			continue // exception 8
		}
		status, sent := p.statuses[user]
		if truth := len(t.users[row]) > 0; !sent || status != truth {
			h.violate("%s was sent whether %s is online: %t, %t; it is: %t",
				p.id, user, sent, status, truth)
		}
	}
}

func userRow(app, user string) string { return channelRow(app, pusher.UserChannel(user)) }

// judgeClosed searches for ghosts.
func (h *history) judgeClosed(t table, p *peer) {
	c := t.connections[p.id]
	shown := c.text("user") != "" // to others
	for _, ch := range channels() {
		shown = shown || ch.Presence() && c.stamp("on", ch) > 0
	}
	traces := slices.DeleteFunc(t.traces(p.id), p.leftHalf)
	for _, r := range traces {
		shown = shown || strings.HasPrefix(r.pk, "user#") || r.text("user") != ""
	}
	switch {
	case len(traces) == 0:
	case shown:
		h.violate("%s is a ghost: %v", p.id, traces)
	case p.forgotten && !p.mayBeGhost():
		h.violate("%s was forgotten, and leaves %v", p.id, traces)
	}
}

// leftHalf reports whether a row may still be there because the frame died that would have removed
// it: a subscription by exception 2, a sign-in by exception 4.
func (p *peer) leftHalf(r row) bool {
	if strings.HasPrefix(r.pk, "user#") {
		return p.signin.repeated() && p.signin.hurt()
	}
	_, ch, _ := strings.Cut(strings.TrimPrefix(r.pk, "chan#"), "#")
	in, v := p.topics[pusher.Channel(ch)], state.Stamp(r.number("v"))
	return in != nil && slices.ContainsFunc(in.asked, func(a *asked) bool {
		return a.hurt() && (!a.on && a.stamp > v || a.on && a.stamp == v && in.last() != a)
	})
}

// mayBeGhost reports whether a frame was handed over twice and one of the two died: exception 4.
func (p *peer) mayBeGhost() bool {
	for _, t := range p.topics {
		for _, a := range t.asked {
			if a.repeated() && a.hurt() {
				return true
			}
		}
	}
	return false
}

// judgeMarkers compares the list of channels with their subscriptions.
func (h *history) judgeMarkers(t table) {
	for _, a := range h.apps {
		for _, ch := range channels() {
			key := channelRow(a.ID, ch)
			k, exists := t.markers[key]
			listed, occupied := exists && k.text("vac") == "", len(t.subscriptions[key]) > 0
			if !h.hurt[key] && (listed != occupied || exists && !listed) {
				h.violate("%s is listed: %t (vac %q), occupied: %t",
					key, listed, k.text("vac"), occupied)
			}
		}
	}
}

// judgeCounts compares the counts of open connections with their rows.
func (h *history) judgeCounts(t table) {
	for _, a := range h.apps {
		n := int64(0)
		for _, c := range t.connections {
			if c.text("app") == a.ID && c.flag("counted") {
				n++
			}
		}
		if t.counted[a.ID] != n {
			h.violate("%s counts %d connections, %d have rows", a.ID, t.counted[a.ID], n)
		}
	}
}

// judgeEvents searches for lost events.
func (h *history) judgeEvents() {
	for _, e := range h.sent {
		for _, p := range h.alive() {
			a, in := e.audience[p], p.topics[e.channel]
			if a != nil && in.in() == a && !in.got[e] {
				h.violate("%s never got %s on %s", p.id, e, e.channel)
			}
		}
	}
}

// judgeEmpty checks what is left after phase 2.
func (h *history) judgeEmpty() {
	t := h.rows()
	for _, c := range t.connections {
		// The end of a connection that no other client sees, and that has no subscription on a
		// listed channel, matters to no other client. Its row expires.
		if c.flag("counted") || c.number("expires") > time.Now().Unix() {
			h.violate("in the end there is %v", c)
		}
	}
	for key, rows := range t.subscriptions {
		for _, s := range rows {
			// A channel that is not listed, because two functions died, is not audited. Its rows
			// expire.
			if !h.hurt[key] || t.markers[key].it != nil || s.number("expires") > time.Now().Unix() {
				h.violate("in the end there is %v", s)
			}
		}
	}
	for _, rows := range t.users {
		for id, u := range rows {
			if !h.peer(id).leftHalf(u) || u.number("expires") > time.Now().Unix() {
				h.violate("in the end there is %v", u)
			}
		}
	}
	for _, k := range t.markers {
		h.violate("in the end there is %v", k)
	}
	for app, n := range t.counted {
		if n != 0 {
			h.violate("in the end %s counts %d connections", app, n)
		}
	}
	for _, r := range t.rest {
		if !r.passing() {
			h.violate("in the end there is %v", r)
		}
	}
}

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
