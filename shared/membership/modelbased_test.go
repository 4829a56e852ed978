package membership_test

import (
	"flag"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"
)

// TestModel draws histories: clients that connect, subscribe, sign in, watch and leave, publishers,
// frames that run concurrently and in any order, and what may go wrong (a function dies between two
// requests or runs too long, an invocation or a batch comes twice, a $disconnect comes late, twice
// or never, the gateway says 410 for a client that is there, DynamoDB or the queue refuses, or its
// answer is lost and perhaps repeated). All code is real, down to the SDK's requests, on the local
// engines; each request and each post is a step, and rapid draws who takes the next one. Whenever
// all has come to its end, and after everybody has gone, the rows, and what each client was told,
// must be what the model says: modelbased_judge_test.go, and for what a frame shows by itself,
// modelbased_clients_test.go. A failure is shrunk, prints its steps, and is replayed as rapid says.
// -rapid.checks draws more of them, -rapid.steps longer ones.
//
// What the model permits, and the judge lets pass, is for one connection and channel, or for the
// rows that a call had in hand:
//
//  1. Of a frame that died or failed it is not known what it has done, until a newer one about the channel has come. "A handler killed
//     before its success frame leaves pusher-js pending until it reconnects" (docs/steps.md §5). Its row may stay pending, but not on a
//     presence channel, where the consumer is given the join again.
//  2. "Unsubscribe killed half way: row or marker stays until disconnect" (§5); so does that of a subscribe which an unsubscribe has
//     overtaken, if it dies before its last look. And longer, which docs/steps.md does not say: a $disconnect that comes later than the
//     function's timeout after the unsubscribe looks at the channel no more, and leaves the row to a 410 or the audit.
//  3. A channel whose rows were in the hands of a call that died or failed may be listed wrongly, and its number of subscribers be
//     unannounced, until somebody comes or goes, or the audit does (§5, "Audit"). One that is occupied and not listed, which takes two
//     deaths, is not found by the audit: its rows expire.
//  4. "One frame invoked twice and a crash of the second and the disconnect between its steps: ghost S until a 410 or the audit" (§5). The
//     row of a sign-in is not audited, so it expires.
//  5. What a batch of the queue does is done again if it comes again: "a consumer's death repeats its whole batch" (§2.15). Then events
//     and member frames come twice, but never out of order.
//  6. A wrong 410, and then the death of the Forget that it led to, before the socket is closed: the client stays, "connected and deaf"
//     (§2.17), until its next frame.
//  7. Who was seen by nobody and whose $disconnect was lost, or died, leaves rows for two hours and five minutes and an hour of audit
//     (§2.18, §5). A connection without a subscription just expires.
//  8. Who signs in or out, and dies before anybody is told, is told of when Sweep next comes to that connection.
//
// Four hours after everybody has gone, nothing may be there but the rows that passing names, and
// what 3, 4 and 7 say.
//
// Without -rapid.seed the histories are the same every time: those that nobody has seen yet are for
// whoever looks for them, with a seed of 0 for ones of the moment.
func TestModel(t *testing.T) {
	seeded := false
	flag.Visit(func(f *flag.Flag) { seeded = seeded || f.Name == "rapid.seed" })
	if !seeded {
		if err := flag.Set("rapid.seed", "1"); err != nil {
			t.Fatal(err)
		}
	}
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		if wrong := live(t, rt, correction{}); wrong != "" {
			rt.Fatalf("%s", wrong)
		}
	})
}

// live plays one history to its end in a bubble of its own, and says what was wrong with it; "" if
// nothing.
func live(t *testing.T, rt *rapid.T, without correction) (wrong string) {
	var thrown any
	synctest.Test(t, func(*testing.T) {
		h := &history{world: newWorld(without)}
		defer h.close()
		defer func() {
			thrown = recover()
			if v, ok := thrown.(violation); ok {
				wrong, thrown = string(v), nil
			}
		}()
		h.play(rt)
	})
	if thrown != nil {
		panic(thrown) // rapid's own: it was thrown where rapid cannot see
	}
	return wrong
}

func (h *history) play(rt *rapid.T) {
	h.draw(rt)
	for range rapid.IntRange(1, 4).Draw(rt, "parts") {
		rt.Repeat(h.actions())
		h.drain()
		h.judgeQuiet(false)
		h.judgeNow()
	}
	h.quiesce(rt)
	h.judgeQuiet(true)
	h.judgeNow()
	h.vanish(rt)
	h.judgeEmpty()
	h.judgeNow()
}
