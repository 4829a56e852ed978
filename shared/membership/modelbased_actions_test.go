package membership_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"hark/localstack/sqs"
	"hark/shared/pusher"
)

// history is one run of the machine: what is drawn, and what may still go wrong in it. Most histories have few faults: what a fault
// permits must not hide what the rest does.
type history struct {
	*world
	deaths, failures, lies, repeats int
}

// Channels of every kind that there is a rule for; few, so that everybody meets.
func channels() []pusher.Channel {
	return []pusher.Channel{"presence-r", "news", "presence-cache-s", "private-p", "cache-c"}
}

func users() []string { return []string{"u1", "u2", "u3"} }

// actions are what may happen next. rapid draws those that sort first a little more often.
func (h *history) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"a connects":       h.connects,
		"b goes on":        h.goesOn,
		"b goes on 2":      h.goesOn,
		"b goes on 3":      h.goesOn,
		"c runs to end":    h.runs,
		"c subscribes":     h.subscribes,
		"c subscribes 2":   h.subscribes,
		"d receives":       h.receives,
		"d receives 2":     h.receives,
		"d unsubscribes":   h.unsubscribes,
		"e publishes":      h.publishes,
		"e signs in":       h.signsIn,
		"f hangs up":       h.hangsUp,
		"f is told an end": h.isTold,
		"g dies":           h.dies,
		"g fails":          h.fails,
		"g is wrong":       h.isWrong,
		"g repeats":        h.again,
		"h time passes":    h.timePasses,
		"h sweeps":         h.sweeps,
		"":                 func(*rapid.T) { h.judgeNow() },
	}
}

// judgeNow ends the history at the first violation.
func (h *history) judgeNow() {
	if h.wrong != "" {
		panic(violation(h.wrong + "\n" + strings.Join(h.trace, "\n")))
	}
}

type violation string

func (h *history) connects(rt *rapid.T) {
	if open := len(slices.DeleteFunc(slices.Clone(h.peers), func(p *peer) bool { return !p.open })); open >= 6 || len(h.peers) >= 12 {
		rt.Skip()
	}
	a := h.apps[0]
	if rapid.IntRange(0, 3).Draw(rt, "app") == 3 {
		a = h.apps[1]
	}
	p := &peer{
		id: pusher.ConnectionID(fmt.Sprintf("c%02d", len(h.peers)+1)), app: a, user: rapid.SampledFrom(users()).Draw(rt, "user"),
		topics: map[pusher.Channel]*topic{}, words: map[string]bool{},
	}
	h.peers = append(h.peers, p)
	opener := h.opener()
	c := h.begin("connect "+a.ID+" "+string(p.id), &call{}, func(ctx context.Context) {
		greet, err := opener.Open(ctx, pusher.Handshake{Connection: p.id, Key: a.Key, ConnectedAt: time.Now()})
		if err != nil {
			panic(err)
		}
		if ctx.Err() != nil {
			return // there is no answer, so there is no socket
		}
		h.mu.Lock()
		p.open = true
		h.mu.Unlock()
		greet(ctx)
	})
	if rapid.IntRange(0, 3).Draw(rt, "paused") < 3 {
		h.finish(c)
	}
}

// client draws one that may send a frame.
func (h *history) client(rt *rapid.T) *peer {
	up := slices.DeleteFunc(slices.Clone(h.peers), func(p *peer) bool { return !p.open || !p.up })
	if len(up) == 0 {
		rt.Skip()
	}
	return rapid.SampledFrom(up).Draw(rt, "client")
}

// stamp is when a frame comes: mostly in a millisecond of its own.
func (h *history) stamp(rt *rapid.T, t *topic, on bool) pusher.Stamp {
	last := t.last()
	same := last != nil && last.stamp == pusher.Stamp(time.Now().UnixMilli())
	if !same || on && last.on || rapid.IntRange(0, 3).Draw(rt, "later") < 3 {
		h.pass(time.Millisecond)
	}
	return pusher.Stamp(time.Now().UnixMilli())
}

func (h *history) subscribes(rt *rapid.T) {
	p := h.client(rt)
	ch := rapid.SampledFrom(channels()).Draw(rt, "channel")
	t := p.topic(ch)
	a := &asked{on: true, stamp: h.stamp(rt, t, true)}
	d := pusher.SubscribeData{Channel: ch}
	if ch.Presence() {
		a.user = p.user
		if rapid.IntRange(0, 7).Draw(rt, "somebody else") == 7 {
			a.user = rapid.SampledFrom(users()).Draw(rt, "user")
		}
		d.ChannelData = fmt.Sprintf(`{"user_id":%q}`, a.user)
	}
	if ch.Private() {
		signed := string(p.id.SocketID()) + ":" + string(ch)
		if d.ChannelData != "" {
			signed += ":" + d.ChannelData
		}
		d.Auth = pusher.Auth(p.app.Key + ":" + p.app.Sign(signed))
	}
	a.text = frameText("pusher:subscribe", d)
	t.asked = append(t.asked, a)
	h.sends(p, fmt.Sprintf("%s subscribes to %s at %d %s", p.id, ch, a.stamp%100_000, a.user), a)
}

func (h *history) unsubscribes(rt *rapid.T) {
	p := h.client(rt)
	var in []pusher.Channel
	for _, ch := range channels() {
		if t := p.topics[ch]; t != nil && t.last() != nil && t.last().on {
			in = append(in, ch)
		}
	}
	if len(in) == 0 {
		rt.Skip()
	}
	ch := rapid.SampledFrom(in).Draw(rt, "channel")
	t := p.topic(ch)
	a := &asked{stamp: h.stamp(rt, t, false), text: frameText("pusher:unsubscribe", pusher.SubscribeData{Channel: ch})}
	t.asked = append(t.asked, a)
	if t.last() == a {
		t.viewing = false
	}
	h.sends(p, fmt.Sprintf("%s unsubscribes from %s at %d", p.id, ch, a.stamp%100_000), a)
}

func (h *history) signsIn(rt *rapid.T) {
	p := h.client(rt)
	if p.signin != nil {
		rt.Skip()
	}
	p.watch = rapid.SliceOfNDistinct(rapid.SampledFrom(users()), 0, 2, rapid.ID[string]).Draw(rt, "watchlist")
	slices.Sort(p.watch)
	user, err := json.Marshal(map[string]any{"id": p.user, "watchlist": p.watch})
	if err != nil {
		panic(err)
	}
	d := pusher.SignInData{UserData: string(user)}
	d.Auth = p.app.Key + ":" + p.app.Sign(string(p.id.SocketID())+"::user::"+d.UserData)
	p.signin = &asked{on: true, user: p.user, stamp: pusher.Stamp(time.Now().UnixMilli()), text: frameText("pusher:signin", d)}
	h.sends(p, fmt.Sprintf("%s signs in as %s, watches %v", p.id, p.user, p.watch), p.signin)
}

func frameText(event string, d any) string {
	text, err := json.Marshal(map[string]any{"event": event, "data": d})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// sends has the server get a frame.
func (h *history) sends(p *peer, name string, a *asked) {
	server := h.server()
	c := &call{asked: a}
	a.calls = append(a.calls, c)
	h.begin(name, c, func(ctx context.Context) { server.Message(ctx, p.id, a.stamp, []byte(a.text)) })
}

// publishes has one of two publishers send its next event, when the one before has been taken.
func (h *history) publishes(rt *rapid.T) {
	writer := rapid.SampledFrom([]string{"p", "q"}).Draw(rt, "publisher")
	if c := h.writers[writer]; c != nil && !c.ended {
		rt.Skip()
	}
	a := h.apps[0]
	if rapid.IntRange(0, 3).Draw(rt, "app") == 3 {
		a = h.apps[1]
	}
	ch := rapid.SampledFrom(channels()).Draw(rt, "channel")
	h.numbers[writer]++
	b := pusher.Broadcast{
		App: a.ID, Channel: ch, Cache: ch.Cache(), Frame: pusher.EventFrame("e", ch, fmt.Sprintf("%s:%d", writer, h.numbers[writer])),
	}
	q := h.broadcasts()
	h.writers[writer] = h.begin(fmt.Sprintf("%s publishes %d on %s/%s", writer, h.numbers[writer], a.ID, ch), &call{}, func(ctx context.Context) {
		_ = q.Publish(ctx, b) // whoever publishes learns of the failure
	})
	if rapid.Bool().Draw(rt, "at once") {
		h.finish(h.writers[writer])
	}
}

// hangsUp ends a connection from the client's side.
func (h *history) hangsUp(rt *rapid.T) {
	open := slices.DeleteFunc(slices.Clone(h.peers), func(p *peer) bool { return !p.open })
	if len(open) == 0 {
		rt.Skip()
	}
	p := rapid.SampledFrom(open).Draw(rt, "client")
	h.note("%s hangs up", p.id)
	h.hangUp(p)
}

// isTold has a $disconnect come, which may come again.
func (h *history) isTold(rt *rapid.T) {
	if len(h.ends) == 0 {
		rt.Skip()
	}
	p := rapid.SampledFrom(h.ends).Draw(rt, "who")
	if h.repeats == 0 || rapid.IntRange(0, 3).Draw(rt, "again") < 3 {
		h.ends = slices.DeleteFunc(h.ends, func(other *peer) bool { return other == p })
	} else {
		h.repeats--
	}
	h.disconnect(p)
}

func (h *history) disconnect(p *peer) *call {
	m, c := h.members(), &call{}
	return h.begin("disconnect "+string(p.id), c, func(ctx context.Context) {
		if err := m.Disconnected(ctx, p.id); err == nil && !c.hurt {
			p.forgotten = true
		}
	})
}

// goesOn takes some steps of one call, or of several.
func (h *history) goesOn(rt *rapid.T) {
	if len(h.stops) == 0 {
		rt.Skip()
	}
	s := rapid.SampledFrom(h.stops).Draw(rt, "step")
	for range rapid.IntRange(1, 6).Draw(rt, "steps") {
		h.step(s, done)
		i := slices.IndexFunc(h.stops, func(other *stop) bool { return other.call == s.call })
		if i < 0 {
			return
		}
		s = h.stops[i]
	}
}

func (h *history) running(rt *rapid.T) *call {
	if len(h.calls) == 0 {
		rt.Skip()
	}
	return rapid.SampledFrom(h.calls).Draw(rt, "call")
}

func (h *history) runs(rt *rapid.T) { h.finish(h.running(rt)) }

func (h *history) dies(rt *rapid.T) {
	if h.deaths == 0 {
		rt.Skip()
	}
	h.kill(h.running(rt))
	h.deaths--
}

// fails has a request to DynamoDB or the queue be refused, or its answer be lost.
func (h *history) fails(rt *rapid.T) {
	requests := slices.DeleteFunc(slices.Clone(h.stops), func(s *stop) bool {
		return strings.HasPrefix(s.step, "post") || strings.HasPrefix(s.step, "close") || strings.HasPrefix(s.step, "is ") ||
			strings.HasPrefix(s.step, "delete")
	})
	if h.failures == 0 || len(requests) == 0 {
		rt.Skip()
	}
	h.failures--
	h.step(rapid.SampledFrom(requests).Draw(rt, "request"), rapid.SampledFrom([]verdict{refused, lost, twice}).Draw(rt, "how"))
}

// isWrong has the gateway say 410 for a client that is there.
func (h *history) isWrong(rt *rapid.T) {
	open := slices.DeleteFunc(slices.Clone(h.peers), func(p *peer) bool { return !p.open })
	if h.lies == 0 || len(open) == 0 {
		rt.Skip()
	}
	h.lies--
	p := rapid.SampledFrom(open).Draw(rt, "client")
	h.world.lies[p.id] = rapid.IntRange(1, 3).Draw(rt, "times")
	h.note("the gateway will be wrong about %s %d times", p.id, h.world.lies[p.id])
}

// again hands a frame over once more.
func (h *history) again(rt *rapid.T) {
	frames := slices.DeleteFunc(slices.Clone(h.calls), func(c *call) bool { return c.asked == nil })
	if h.repeats == 0 || len(frames) == 0 {
		rt.Skip()
	}
	h.repeats--
	c := rapid.SampledFrom(frames).Draw(rt, "call")
	h.sends(h.whose(c.asked), "again "+c.name, c.asked)
}

// whose frame it is.
func (h *history) whose(a *asked) *peer {
	for _, p := range h.peers {
		if p.signin == a {
			return p
		}
		for _, t := range p.topics {
			if slices.Contains(t.asked, a) {
				return p
			}
		}
	}
	panic("nobody's frame")
}

// receives has the consumer take a batch.
func (h *history) receives(rt *rapid.T) {
	batch := h.receive(rapid.SampledFrom([]int{10, 1, 2}).Draw(rt, "most"))
	if len(batch) == 0 {
		rt.Skip("the queue has nothing")
	}
	lost := h.repeats > 0 && rapid.IntRange(0, 7).Draw(rt, "lost") == 7
	if lost {
		h.repeats--
	}
	c := h.consumes(batch, lost)
	if rapid.IntRange(0, 2).Draw(rt, "at once") == 2 {
		h.finish(c)
	}
}

func (h *history) consumes(batch []sqs.Message, lost bool) *call {
	c, name := &call{}, "consumer"
	for _, msg := range batch {
		var b pusher.Broadcast
		if err := json.Unmarshal([]byte(msg.Body), &b); err != nil {
			panic(err)
		}
		name += " [" + told(b) + "]"
		c.groups = append(c.groups, channelRow(b.App, b.Channel))
	}
	if lost {
		name += " whose end is lost"
		for _, g := range c.groups {
			h.retold[g] = true
		}
	}
	return h.begin(name, c, func(ctx context.Context) { h.consume(ctx, batch, lost) })
}

// timePasses moves the clock. A call that gets too old dies of it, so mostly those are run to their end before.
func (h *history) timePasses(rt *rapid.T) {
	d := time.Duration(rapid.IntRange(1, 20_000).Draw(rt, "ms")) * time.Millisecond
	if h.deaths == 0 || rapid.IntRange(0, 3).Draw(rt, "spare") < 3 {
		for _, c := range slices.Clone(h.calls) {
			if end, _ := c.ctx.Deadline(); !c.ended && time.Until(end) < d+time.Second {
				h.finish(c)
			}
		}
	} else {
		h.deaths--
	}
	h.note("%v pass", d)
	h.pass(d)
}

func (h *history) sweeps(rt *rapid.T) {
	if slices.ContainsFunc(h.calls, func(c *call) bool { return strings.HasSuffix(c.name, "sweep") }) {
		rt.Skip()
	}
	m := h.members()
	c := h.begin("sweep", &call{}, func(ctx context.Context) { _, _ = m.Sweep(ctx) }) // what it fails on comes again
	if rapid.Bool().Draw(rt, "at once") {
		h.finish(c)
	}
}
