package membership_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"pgregory.net/rapid"

	"hark/shared/apigw"
	"hark/shared/pusher"
	"hark/shared/state"
)

// history is one run of the test: its channels, and which faults may still come. Few clients on few
// channels meet more often than many on many, so some histories are crowded and others are wide.
// Most have few faults, so that what a fault permits does not hide another mistake.
type history struct {
	*world
	channels                        []pusher.Channel
	most                            int // connections at once
	deaths, failures, lies, repeats int
}

func (h *history) draw(rt *rapid.T) {
	h.channels = channels()
	if one := rapid.IntRange(0, len(h.channels)+2).Draw(rt, "channels"); one < len(h.channels) {
		h.channels = h.channels[one : one+1]
	}
	h.most = rapid.SampledFrom([]int{2, 3, 6}).Draw(rt, "connections")
	for _, n := range []*int{&h.deaths, &h.failures, &h.lies, &h.repeats} {
		*n = rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(rt, "faults")
	}
}

// channels has one channel of every kind that has rules of its own; few, so that clients meet.
func channels() []pusher.Channel {
	return []pusher.Channel{"presence-r", "news", "presence-cache-s", "private-p", "cache-c"}
}

func users() []string { return []string{"u1", "u2", "u3"} }

// actions are what may happen next. rapid draws those that sort first a little more often.
func (h *history) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"a connects":        h.connects,
		"b goes on":         h.goesOn,
		"b goes on 2":       h.goesOn,
		"b goes on 3":       h.goesOn,
		"b goes on 4":       h.goesOn,
		"c runs to end":     h.runs,
		"c runs to end 2":   h.runs,
		"c subscribes":      h.subscribes,
		"c subscribes 2":    h.subscribes,
		"c subscribes 3":    h.subscribes,
		"d receives":        h.receives,
		"d receives 2":      h.receives,
		"d unsubscribes":    h.unsubscribes,
		"d unsubscribes 2":  h.unsubscribes,
		"e publishes":       h.publishes,
		"e signs in":        h.signsIn,
		"f hangs up":        h.hangsUp,
		"f is disconnected": h.isDisconnected,
		"g dies":            h.dies,
		"g dies late":       h.diesLate,
		"g fails":           h.fails,
		"g is wrong":        h.isWrong,
		"g repeats":         h.repeatsFrame,
		"h time passes":     h.timePasses,
		"h sweeps":          h.sweeps,
		"":                  func(*rapid.T) { h.judgeNow() },
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
	if len(h.open()) >= h.most || len(h.peers) >= 12 {
		rt.Skip()
	}
	a := h.apps[0]
	if rapid.IntRange(0, 3).Draw(rt, "app") == 3 {
		a = h.apps[1]
	}
	p := &peer{
		id: pusher.ConnectionID(fmt.Sprintf("c%02d", len(h.peers)+1)), app: a,
		user:   rapid.SampledFrom(users()).Draw(rt, "user"),
		topics: map[pusher.Channel]*topic{}, statuses: map[string]bool{},
	}
	h.peers = append(h.peers, p)
	opener := h.opener()
	c := h.begin("connect "+a.ID+" "+string(p.id), &call{}, func(ctx context.Context) {
		greet, err := opener.Open(ctx, pusher.Handshake{
			Connection: p.id, Key: a.Key, ConnectedAt: time.Now(),
		})
		if err != nil {
			panic(err)
		}
		if ctx.Err() != nil {
			return // without an answer there is no connection
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

// client draws a client that may send a frame.
func (h *history) client(rt *rapid.T) *peer {
	up := slices.DeleteFunc(slices.Clone(h.peers), func(p *peer) bool { return !p.open || !p.up })
	if len(up) == 0 {
		rt.Skip()
	}
	return rapid.SampledFrom(up).Draw(rt, "client")
}

// stamp is the stamp of a new frame: mostly in a millisecond of its own.
func (h *history) stamp(rt *rapid.T, t *topic, on bool) state.Stamp {
	last := t.last()
	same := last != nil && last.stamp == state.Stamp(time.Now().UnixMilli())
	if !same || on && last.on || rapid.IntRange(0, 3).Draw(rt, "later") < 3 {
		h.pass(time.Millisecond)
	}
	return state.Stamp(time.Now().UnixMilli())
}

// about draws which client sends a frame about which channel: often about a channel that another
// frame, of this client or of another, is at work on.
func (h *history) about(rt *rapid.T) (*peer, pusher.Channel) {
	p := h.client(rt)
	busy := h.frames(func(a *asked) bool {
		return a.channel != "" && a.by.app.ID == p.app.ID && a.by.open
	})
	meets := rapid.IntRange(0, 3).Draw(rt, "meets")
	if meets == 0 || len(busy) == 0 {
		return p, rapid.SampledFrom(h.channels).Draw(rt, "channel")
	}
	a := rapid.SampledFrom(busy).Draw(rt, "frame").asked
	if meets == 1 {
		return p, a.channel
	}
	return a.by, a.channel
}

// open are the clients with an open connection.
func (h *history) open() []*peer {
	return slices.DeleteFunc(slices.Clone(h.peers), func(p *peer) bool { return !p.open })
}

// frames are the calls that answer such frames.
func (h *history) frames(such func(*asked) bool) []*call {
	return slices.DeleteFunc(slices.Clone(h.calls), func(c *call) bool {
		return c.asked == nil || !such(c.asked)
	})
}

func (h *history) subscribes(rt *rapid.T) {
	p, ch := h.about(rt)
	t := p.topic(ch)
	a := &asked{by: p, channel: ch, on: true, stamp: h.stamp(rt, t, true)}
	d := pusher.SubscribeData{Channel: ch}
	if ch.Presence() {
		a.user = p.user
		if rapid.IntRange(0, 7).Draw(rt, "another user") == 7 {
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
	h.sends(a, fmt.Sprintf("%s subscribes to %s at %d %s", p.id, ch, a.stamp%100_000, a.user))
}

func (h *history) unsubscribes(rt *rapid.T) {
	in := h.subscribed()
	if len(in) == 0 {
		rt.Skip()
	}
	last := rapid.SampledFrom(in).Draw(rt, "of")
	p, ch := last.by, last.channel
	t := p.topic(ch)
	a := &asked{
		by: p, channel: ch, stamp: h.stamp(rt, t, false),
		text: frameText("pusher:unsubscribe", pusher.SubscribeData{Channel: ch}),
	}
	t.asked = append(t.asked, a)
	if t.last() == a {
		t.viewing = false
	}
	h.sends(a, fmt.Sprintf("%s unsubscribes from %s at %d", p.id, ch, a.stamp%100_000))
}

// subscribed are the frames to which clients owe their subscriptions, the newest first.
func (h *history) subscribed() (in []*asked) {
	for _, p := range h.peers {
		for _, ch := range h.channels {
			if t := p.topics[ch]; p.open && t != nil && t.last() != nil && t.last().on {
				in = append(in, t.last())
			}
		}
	}
	slices.SortStableFunc(in, func(a, b *asked) int { return int(b.stamp - a.stamp) })
	return in
}

func (h *history) signsIn(rt *rapid.T) {
	p := h.client(rt)
	if p.signin != nil {
		rt.Skip()
	}
	lists := rapid.SliceOfNDistinct(rapid.SampledFrom(users()), 0, 2, rapid.ID[string])
	p.watch = lists.Draw(rt, "watchlist")
	slices.Sort(p.watch)
	user, err := json.Marshal(map[string]any{"id": p.user, "watchlist": p.watch})
	if err != nil {
		panic(err)
	}
	d := pusher.SignInData{UserData: string(user)}
	d.Auth = p.app.Key + ":" + p.app.Sign(string(p.id.SocketID())+"::user::"+d.UserData)
	p.signin = &asked{
		by: p, on: true, user: p.user, stamp: state.Stamp(time.Now().UnixMilli()),
		text: frameText("pusher:signin", d),
	}
	h.sends(p.signin, fmt.Sprintf("%s signs in as %s, watches %v", p.id, p.user, p.watch))
}

func frameText(event string, d any) string {
	text, err := json.Marshal(map[string]any{"event": event, "data": d})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// sends hands a client's frame to the server.
func (h *history) sends(a *asked, name string) {
	handle, c := apigw.Message(h.server(), slog.New(slog.DiscardHandler)), &call{asked: a}
	e := events.APIGatewayWebsocketProxyRequest{Body: a.text}
	e.RequestContext.ConnectionID = string(a.by.id)
	e.RequestContext.RequestTimeEpoch = int64(a.stamp)
	a.calls = append(a.calls, c)
	h.begin(name, c, func(ctx context.Context) {
		if _, err := handle(ctx, e); err != nil {
			panic(err)
		}
	})
}

// publishes has one of two publishers send its next event, if the call for its last one has ended.
func (h *history) publishes(rt *rapid.T) {
	writer := rapid.SampledFrom([]string{"p", "q"}).Draw(rt, "publisher")
	if c := h.writers[writer]; c != nil && !c.ended {
		rt.Skip()
	}
	a := h.apps[0]
	if rapid.IntRange(0, 3).Draw(rt, "app") == 3 {
		a = h.apps[1]
	}
	ch := rapid.SampledFrom(h.channels).Draw(rt, "channel")
	h.numbers[writer]++
	b := state.Event{
		App: a.ID, Channel: ch, Cache: ch.Cache(),
		Frame: pusher.EventFrame("e", ch, fmt.Sprintf("%s:%d", writer, h.numbers[writer])),
	}
	q := h.broadcasts()
	name := fmt.Sprintf("%s publishes %d on %s/%s", writer, h.numbers[writer], a.ID, ch)
	h.writers[writer] = h.begin(name, &call{}, func(ctx context.Context) {
		_ = q.Publish(ctx, b) // the publisher gets the failure
	})
	if rapid.Bool().Draw(rt, "at once") {
		h.finish(h.writers[writer])
	}
}
