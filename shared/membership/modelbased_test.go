package membership_test

import (
	"flag"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"
)

// TestModel draws histories: clients that connect, subscribe, sign in, watch and leave, publishers,
// and frames that run concurrently and in any order. Faults are drawn too: a function dies between
// two requests or runs too long; an invocation or a batch comes twice; a $disconnect comes late,
// twice or never; the gateway says 410 for a client that exists; DynamoDB or the queue refuses a
// request, or its answer is lost and perhaps the request is repeated.
//
// All code is real, down to the SDK's requests, on the local engines. Each request and each post is
// a step, and rapid draws which call takes the next one. Whenever all calls have ended, and again
// after all clients have gone, the rows and what each client was sent must be as the model says:
// modelbased_judge_test.go, and modelbased_clients_test.go for what a single frame shows. A failure
// is shrunk, prints its steps, and can be replayed as rapid says. -rapid.checks draws more
// histories, -rapid.steps longer ones.
//
// The judge lets pass what docs/steps.md §5 permits. Each exception is for one connection and
// channel, or for the rows that a call had in hand:
//
//  1. What a frame that died or failed has done is unknown until a newer frame about the channel
//     comes. "A handler killed before its success frame leaves pusher-js pending until it
//     reconnects" (§5). Its row may stay pending, but not on a presence channel, where the consumer
//     gets the join again.
//  2. "An unsubscribe killed half-way leaves its row, or the marker, until the connection ends"
//     (§5). So does a subscribe that an unsubscribe has overtaken, if it dies before its step 4. If
//     the connection ends later than the function timeout after the unsubscribe, the row stays
//     until a 410 or the audit.
//  3. "A channel can be listed wrongly after a crash" (§5), and its count not sent, until a
//     connection subscribes or leaves, or until the audit (§3.13). An occupied channel that is not
//     listed, which takes two deaths, is not found by the audit: its rows expire.
//  4. "A triple fault leaves a ghost S" (§5) until a 410 or the audit. In the same way a sign-in
//     can leave a user row, which is not audited: it expires.
//  5. "The crash of a consumer repeats its whole batch" (§2.15, and §5, "Duplicates"). Then events
//     and member frames come twice, but in order.
//  6. "A wrong 410, followed by a crash of the Forget before it closes the socket", leaves a client
//     "connected and deaf until its next frame" (§2.17, §5).
//  7. "The audit bounds what nothing else notices" (§5): a connection that no other client sees,
//     and whose $disconnect was lost or died, leaves rows for two hours and five minutes and up to
//     an hour more (§2.18, §3.13). A connection without a subscription just expires.
//  8. "A client that signs in or out, and whose function is killed before it queued the watch", is
//     announced to its watchers when Sweep next comes to the connection (§5).
//
// Four hours after all clients have gone, nothing may be left but the rows that passing names, and
// those of 3, 4 and 7.
//
// Without -rapid.seed the histories are the same every time. A seed of 0 draws new ones.
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

// live plays one history to its end in a bubble of its own and says what was wrong with it; "" if
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
		panic(thrown) // rapid's own: rapid does not see it inside the bubble
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
