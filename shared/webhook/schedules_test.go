package webhook_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hark/shared/config"
	"hark/shared/pusher"
	"hark/shared/state"
	"hark/shared/webhook"
)

//nolint:gochecknoglobals // a flag of the test binary
var schedules = flag.Int("schedules", 4, "how many orders TestSchedules draws")

// in runs a test in a bubble of package synctest, on a world whose functions are running. The
// bubble ends a minute after the test. By then everything that was queued has been handled.
func in(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ctx, stop := context.WithCancel(t.Context())
		wait := w.run(ctx, t)
		test(t, w)
		time.Sleep(time.Minute)
		stop()
		wait()
	})
}

func connections(n int) []pusher.ConnectionID {
	ids := make([]pusher.ConnectionID, n)
	for i := range ids {
		ids[i] = pusher.ConnectionID(fmt.Sprintf("connection-%d", i))
	}
	return ids
}

// end ends the connections for good, at times within a second.
func (w *world) end(t *testing.T, draw *rand.Rand, ids []pusher.ConnectionID) {
	t.Helper()
	for _, id := range ids {
		time.Sleep(time.Duration(draw.IntN(1000/len(ids))) * time.Millisecond)
		must(t, w.members.Disconnected(t.Context(), id))
	}
}

// wantSent asserts the events about a channel that the app's webhook was sent.
func (w *world) wantSent(t *testing.T, ch pusher.Channel, want ...string) {
	t.Helper()
	if got := w.sent.about(ch); !slices.Equal(got, want) {
		t.Errorf("of %s the app was sent %q, want %q", ch, got, want)
	}
}

// 131 and 133: exactly one event of each kind, however the ends overlap.
func TestHundredConnectionsThatEndAtOnceAreAnnouncedOnce(t *testing.T) {
	draw := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // orders, not secrets
	in(t, func(t *testing.T, w *world) {
		ids := connections(100)
		w.open(t, ids...)
		for i, id := range ids {
			w.subscribe(t, id, news, "")
			w.subscribe(t, id, lobby, fmt.Sprintf("u%d", i%2))
		}
		time.Sleep(time.Minute)
		draw.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
		w.end(t, draw, ids)
		time.Sleep(time.Minute)
		w.wantSent(t, news, "channel_occupied", "channel_vacated")
		got := w.sent.about(lobby)
		slices.Sort(got)
		want := []string{
			"channel_occupied", "channel_vacated",
			"member_added u0", "member_added u1", "member_removed u0", "member_removed u1",
		}
		if !slices.Equal(got, want) {
			t.Errorf("of %s the app was sent %q", lobby, got)
		}
	})
}

// A page that reloads leaves and comes back on another connection.
func TestReloadWithinTheGraceIsNotAnnounced(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprintf("132 order %d", seed), func(t *testing.T) {
			draw := rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // orders, not secrets
			in(t, func(t *testing.T, w *world) {
				ids := connections(11)
				w.open(t, ids[0])
				w.subscribe(t, ids[0], news, "")
				w.subscribe(t, ids[0], lobby, "u")
				for i := range len(ids) - 1 {
					time.Sleep(time.Minute)
					must(t, w.members.Disconnected(t.Context(), ids[i]))
					time.Sleep(time.Duration(1+draw.IntN(2900)) * time.Millisecond)
					w.open(t, ids[i+1])
					w.subscribe(t, ids[i+1], news, "")
					w.subscribe(t, ids[i+1], lobby, "u")
				}
				time.Sleep(time.Minute)
				w.wantSent(t, news, "channel_occupied")
				w.wantSent(t, lobby, "member_added u", "channel_occupied")

				must(t, w.members.Disconnected(t.Context(), ids[len(ids)-1]))
				time.Sleep(config.CheckDelay + time.Second)
				w.wantSent(t, news, "channel_occupied", "channel_vacated")
				w.open(t, ids[0])
				w.subscribe(t, ids[0], news, "")
				time.Sleep(config.CheckDelay + time.Second)
				w.wantSent(t, news, "channel_occupied", "channel_vacated", "channel_occupied")
			})
		})
	}
}

func TestVisitShorterThanTheGraceIsNotAnnounced(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(t, ann)
		w.subscribe(t, ann, news, "")
		w.subscribe(t, ann, lobby, "u")
		time.Sleep(config.CheckDelay - 500*time.Millisecond)
		must(t, w.members.Disconnected(t.Context(), ann))
		time.Sleep(time.Minute)
		w.wantSent(t, news)
		w.wantSent(t, lobby)
	})
}

func TestManyCacheMissesAtOnceAreAnnouncedOnce(t *testing.T) {
	const ch = pusher.Channel("cache-scores")
	in(t, func(t *testing.T, w *world) {
		ids := connections(20)
		w.open(t, ids...)
		for _, id := range ids {
			w.subscribe(t, id, ch, "")
		}
		time.Sleep(time.Minute)
		w.wantSent(t, ch, "channel_occupied", "cache_miss")
		w.unsubscribe(t, ids[0], ch)
		w.subscribe(t, ids[0], ch, "")
		time.Sleep(time.Minute)
		w.wantSent(t, ch, "channel_occupied", "cache_miss", "cache_miss") // 135: another one, later
	})
}

// TestSchedules has four connections of two users come and go at random on a channel without
// presence and one with it. Checks and posts fail now and then. The last event that the app was
// sent must agree with the rows. While nothing fails, its events must alternate.
func TestSchedules(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		fails float64 // share of the webhook events that cannot be queued
	}{{"131 and 133 while nothing fails", 0}, {"131 and 133 while a third fails", 0.33}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(*schedules) {
				t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
					if wrong := schedule(t, seed, c.fails, false); wrong != "" {
						t.Error(wrong)
					}
				})
			}
		})
	}
}

// TestSchedulesFind shows that random orders find what they are drawn for: some order of a few ends
// wrong if a repeated check does not know that it is one.
func TestSchedulesFind(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		if wrong := schedule(t, seed, 0.33, true); wrong != "" {
			t.Logf("order %d ends wrong: %s", seed, wrong)
			return
		}
	}
	t.Error("no order ends wrong")
}

// schedule plays the order that the seed draws and says what is wrong with the events that the app
// was sent.
func schedule(t *testing.T, seed uint64, fails float64, blind bool) (wrong string) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		draw := func(n uint64) *rand.Rand {
			return rand.New(rand.NewPCG(seed, n)) //nolint:gosec // orders, not secrets
		}
		w.checker.Notifier = &unsure{Announcer: w.notifier, draw: draw(3), fails: fails}
		if blind {
			w.again = func(k state.Check) state.Check { k.Again = false; return k }
		}
		ctx, stop := context.WithCancel(t.Context())
		wait := w.run(ctx, t)
		ids := connections(4)
		w.open(t, ids...)
		var clients sync.WaitGroup
		for i, id := range ids {
			clients.Go(func() { w.comeAndGo(t, draw(uint64(i+4)), id, fmt.Sprintf("u%d", i%2)) })
		}
		clients.Wait()
		time.Sleep(10 * time.Minute)
		stop()
		wait()
		wrong = w.judge(t, fails == 0)
	})
	return wrong
}

// comeAndGo is one client for two minutes. It waits for no other, and ends subscribed or not.
func (w *world) comeAndGo(
	t *testing.T, draw *rand.Rand, id pusher.ConnectionID, user string,
) {
	for until := time.Now().Add(2 * time.Minute); time.Now().Before(until); {
		ch, name := news, ""
		if draw.IntN(2) == 0 {
			ch, name = lobby, user
		}
		if draw.IntN(2) == 0 {
			w.subscribe(t, id, ch, name)
		} else {
			w.unsubscribe(t, id, ch)
		}
		time.Sleep(time.Duration(1+draw.IntN(7000)) * time.Millisecond)
	}
	if draw.IntN(3) == 0 {
		must(t, w.members.Disconnected(t.Context(), id))
	}
}

// judge says in what the events that the app was sent differ from the rows.
func (w *world) judge(t *testing.T, strictly bool) string {
	t.Helper()
	var wrong []string
	for _, ch := range []pusher.Channel{news, lobby} {
		occupied, err := w.state.Occupied(t.Context(), w.apps[0].ID, ch)
		must(t, err)
		const on, off = "channel_occupied", "channel_vacated"
		wrong = append(wrong, w.alternates(ch, on, off, occupied, strictly))
		k, err := w.state.Marker(t.Context(), w.apps[0].ID, ch)
		must(t, err)
		if listed := k.Exists && k.Vacant == ""; listed != occupied {
			wrong = append(wrong, fmt.Sprintf("%s: occupied %t, marker %+v", ch, occupied, k))
		}
	}
	for _, user := range []string{"u0", "u1"} {
		_, there, err := w.state.Present(t.Context(), w.apps[0].ID, lobby, user)
		must(t, err)
		on, off := "member_added "+user, "member_removed "+user
		wrong = append(wrong, w.alternates(lobby, on, off, there, strictly))
	}
	wrong = slices.DeleteFunc(wrong, func(s string) bool { return s == "" })
	return strings.Join(wrong, "\n")
}

// alternates says what is wrong unless the app was sent on and off in turns, on first and the one
// that is true last. Unless strictly, each may have come twice.
func (w *world) alternates(
	ch pusher.Channel, on, off string, truth, strictly bool,
) string {
	var sent []string
	for _, name := range w.sent.about(ch) {
		if name == on || name == off {
			sent = append(sent, name)
		}
	}
	if !strictly {
		sent = slices.Compact(sent)
	}
	for i, name := range sent {
		if name != []string{on, off}[i%2] {
			return fmt.Sprintf("%s: the app was sent %q", ch, sent)
		}
	}
	if last := len(sent)%2 == 1; last != truth {
		return fmt.Sprintf("%s: by the rows %s is %t, the app was sent %q", ch, on, truth, sent)
	}
	return ""
}

// unsure is a notifier that fails now and then, before or after it has queued the webhook event, so
// that the check is repeated.
type unsure struct {
	webhook.Announcer
	fails float64

	mu   sync.Mutex
	draw *rand.Rand
}

func (u *unsure) Announce(ctx context.Context, app pusher.App, d state.Delivery) error {
	u.mu.Lock()
	fails, before := u.draw.Float64() < u.fails, u.draw.IntN(2) == 0
	u.mu.Unlock()
	if fails && before {
		return context.DeadlineExceeded
	}
	err := u.Announcer.Announce(ctx, app, d)
	if fails {
		return context.DeadlineExceeded
	}
	return err
}
