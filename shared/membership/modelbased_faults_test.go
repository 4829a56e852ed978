package membership_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"pgregory.net/rapid"

	"hark/localstack/cloud/sqs"
	"hark/shared/apigw"
)

// hangsUp ends a connection from the client's side.
func (h *history) hangsUp(rt *rapid.T) {
	open := h.open()
	if len(open) == 0 {
		rt.Skip()
	}
	p := rapid.SampledFrom(open).Draw(rt, "client")
	busy := h.frames(func(a *asked) bool { return a.by.open })
	if len(busy) > 0 && rapid.Bool().Draw(rt, "at work") {
		p = rapid.SampledFrom(busy).Draw(rt, "frame").asked.by
	}
	h.note("%s hangs up", p.id)
	h.hangUp(p)
	how := rapid.IntRange(0, 3).Draw(rt, "disconnect") // 2: begins at once; 3: also ends at once
	if how < 2 {
		return
	}
	h.ends = h.ends[:len(h.ends)-1]
	if c := h.disconnect(p); how == 3 {
		h.finish(c)
	}
}

// isDisconnected has a $disconnect come, which may come again.
func (h *history) isDisconnected(rt *rapid.T) {
	if len(h.ends) == 0 {
		rt.Skip()
	}
	p := rapid.SampledFrom(h.ends).Draw(rt, "client")
	if h.repeats == 0 || rapid.IntRange(0, 3).Draw(rt, "again") < 3 {
		h.ends = slices.DeleteFunc(h.ends, func(other *peer) bool { return other == p })
	} else {
		h.repeats--
	}
	h.disconnect(p)
}

func (h *history) disconnect(p *peer) *call {
	handle, c := apigw.Disconnect(h.members()), &call{}
	e := events.APIGatewayWebsocketProxyRequest{}
	e.RequestContext.ConnectionID = string(p.id)
	return h.begin("disconnect "+string(p.id), c, func(ctx context.Context) {
		if _, err := handle(ctx, e); err == nil && !c.hurt {
			p.forgotten = true
		}
	})
}

// goesOn takes some steps of one call.
func (h *history) goesOn(rt *rapid.T) {
	if len(h.stops) == 0 {
		rt.Skip()
	}
	s := rapid.SampledFrom(h.stops).Draw(rt, "step")
	h.step(s, done)
	h.goOn(s.call, rapid.IntRange(0, 4).Draw(rt, "more"))
}

// goOn lets a call take some steps.
func (h *history) goOn(c *call, steps int) {
	for range steps {
		if i := slices.IndexFunc(h.stops, func(s *stop) bool { return s.call == c }); i >= 0 {
			h.step(h.stops[i], done)
		}
	}
}

func (h *history) running(rt *rapid.T) *call {
	if len(h.calls) == 0 {
		rt.Skip()
	}
	return rapid.SampledFrom(h.calls).Draw(rt, "call")
}

func (h *history) runs(rt *rapid.T) { h.finish(h.running(rt)) }

// dies ends a call for good after a few more steps.
func (h *history) dies(rt *rapid.T) {
	if h.deaths == 0 {
		rt.Skip()
	}
	h.endAfter(rt, h.running(rt))
}

// diesLate has the client of a frame hang up, its $disconnect come and end, and then the frame's
// call die.
func (h *history) diesLate(rt *rapid.T) {
	busy := h.frames(func(a *asked) bool { return a.by.open })
	if h.deaths == 0 || len(busy) == 0 {
		rt.Skip()
	}
	c := rapid.SampledFrom(busy).Draw(rt, "frame")
	h.goOn(c, rapid.IntRange(0, 3).Draw(rt, "steps before"))
	p := c.asked.by
	if !p.open {
		return
	}
	h.note("%s hangs up", p.id)
	h.hangUp(p)
	h.ends = h.ends[:len(h.ends)-1]
	h.finish(h.disconnect(p))
	h.endAfter(rt, c)
}

func (h *history) endAfter(rt *rapid.T, c *call) {
	h.deaths--
	h.goOn(c, rapid.IntRange(0, 3).Draw(rt, "steps"))
	if !c.ended {
		h.kill(c)
	}
}

// fails has a request to DynamoDB or the queue refused, or its answer lost.
func (h *history) fails(rt *rapid.T) {
	requests := slices.DeleteFunc(slices.Clone(h.stops), func(s *stop) bool {
		kind, _, _ := strings.Cut(s.step, " ")
		return slices.Contains([]string{"post", "close", "is", "delete"}, kind)
	})
	if h.failures == 0 || len(requests) == 0 {
		rt.Skip()
	}
	h.failures--
	request := rapid.SampledFrom(requests).Draw(rt, "request")
	h.step(request, rapid.SampledFrom([]verdict{refused, lost, twice}).Draw(rt, "how"))
}

// isWrong has the gateway say 410 for a client that exists.
func (h *history) isWrong(rt *rapid.T) {
	open := h.open()
	if h.lies == 0 || len(open) == 0 {
		rt.Skip()
	}
	h.lies--
	p := rapid.SampledFrom(open).Draw(rt, "client")
	h.world.lies[p.id] = rapid.IntRange(1, 3).Draw(rt, "times")
	h.note("the gateway will be wrong about %s %d times", p.id, h.world.lies[p.id])
}

// repeatsFrame hands a frame over once more.
func (h *history) repeatsFrame(rt *rapid.T) {
	frames := h.frames(func(*asked) bool { return true })
	if h.repeats == 0 || len(frames) == 0 {
		rt.Skip()
	}
	h.repeats--
	c := rapid.SampledFrom(frames).Draw(rt, "call")
	h.sends(c.asked, "again "+c.name)
}

// receives has the consumer take a batch.
func (h *history) receives(rt *rapid.T) {
	batch := h.receive(rapid.SampledFrom([]int{10, 1, 2}).Draw(rt, "most"))
	if len(batch) == 0 {
		return
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
		var b queued
		if err := json.Unmarshal([]byte(msg.Body), &b); err != nil {
			panic(err)
		}
		name += " [" + summary(b) + "]"
		c.groups = append(c.groups, channelRow(b.App, b.Channel))
	}
	if lost {
		name += " whose end is lost"
		for _, g := range c.groups {
			h.redelivered[g] = true
		}
	}
	return h.begin(name, c, func(ctx context.Context) { h.consume(ctx, batch, c.groups, lost) })
}

// timePasses moves the clock. A call that gets too old dies, so mostly such calls run to their end
// before.
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
	sweeping := func(c *call) bool { return strings.HasSuffix(c.name, "sweep") }
	if slices.ContainsFunc(h.calls, sweeping) {
		rt.Skip()
	}
	m := h.members()
	c := h.begin("sweep", &call{}, func(ctx context.Context) {
		_, _ = m.Sweep(ctx) // a lease that it fails on comes again
	})
	if rapid.Bool().Draw(rt, "at once") {
		h.finish(c)
	}
}
