package membership_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"hark/shared/dynamo"
	"hark/shared/internal/testkit"
	"hark/shared/pusher"
)

// frame is one invocation of a schedule.
type frame struct {
	kind  string // sub, unsub or forget
	who   int    // which connection
	stamp int
	after int // a client that waits: the stamp of the subscribe whose success it has seen
}

func sub(who, stamp, after int) frame   { return frame{"sub", who, stamp, after} }
func unsub(who, stamp, after int) frame { return frame{"unsub", who, stamp, after} }
func end(who int) frame                 { return frame{kind: "forget", who: who} }

// TestSchedules runs the configurations of the model (docs/steps.md §1, A) on the real code and the real
// engine, in random orders: the frames and ends of up to two connections, one step at a time, at
// any moment, with up to one death between two steps. What must hold in the end is what the model
// checks. A failure names its seed and its steps.
func TestSchedules(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		deaths int
		frames []frame
	}{
		{"sub, unsub, sub of one connection", 0, []frame{sub(0, 1, 0), unsub(0, 2, 1), sub(0, 3, 1)}},
		{"sub, unsub, sub, no waiting", 0, []frame{sub(0, 1, 0), unsub(0, 2, 0), sub(0, 3, 0)}},
		{"sub, then unsub and sub in one ms", 0, []frame{sub(0, 1, 0), unsub(0, 2, 1), sub(0, 2, 1)}},
		{"sub against disconnect twice, a death", 1, []frame{sub(0, 1, 0), end(0), end(0)}},
		{"two connections, sub and unsub", 0, []frame{sub(0, 1, 0), unsub(0, 2, 1), sub(1, 1, 0), unsub(1, 2, 1)}},
		{"one comes back, one goes", 0, []frame{sub(0, 1, 0), unsub(0, 2, 1), sub(0, 3, 1), sub(1, 1, 0), end(1)}},
		{"two come and go, a death", 1, []frame{sub(0, 1, 0), end(0), sub(1, 1, 0), end(1)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(*schedules) {
				if wrong := schedule(t, c.frames, c.deaths, seed, corrected); wrong != "" {
					t.Fatal(wrong)
				}
			}
		})
	}
}

//nolint:gochecknoglobals // a flag of the test binary
var schedules = flag.Int("schedules", 15, "how many orders TestSchedules draws of each configuration")

// TestSchedulesFind shows that random orders find what they are drawn for: with a correction taken
// out, some order of a few hundred ends wrong.
func TestSchedulesFind(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		correction string
		frames     []frame
		without    func(*dynamo.State) testkit.Store
	}{
		{"stamps", []frame{sub(0, 1, 0), unsub(0, 2, 1), sub(0, 3, 1)}, func(s *dynamo.State) testkit.Store { return unstamped{s} }},
		{"the look after the put", []frame{sub(0, 1, 0), unsub(0, 2, 0)}, func(s *dynamo.State) testkit.Store { return &unchecked{Store: s} }},
		{"the second look", []frame{sub(0, 1, 0), unsub(0, 2, 1), sub(1, 1, 0)}, func(s *dynamo.State) testkit.Store { return &hasty{Store: s} }},
		{"the look after the marker", []frame{sub(0, 1, 0), end(0)}, func(s *dynamo.State) testkit.Store { return &trusting{Store: s} }},
		{"the tombstone", []frame{sub(0, 1, 0), end(0)}, func(s *dynamo.State) testkit.Store { return untombed{s} }},
	} {
		t.Run(c.correction, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(300) {
				if schedule(t, c.frames, 0, seed, c.without) != "" {
					t.Logf("order %d ends wrong", seed)
					return
				}
			}
			t.Error("no order ends wrong")
		})
	}
}

func corrected(s *dynamo.State) testkit.Store { return s }

// schedule plays the frames in the order that the seed draws, looks at the rows, and names what is
// wrong with them.
func schedule(t *testing.T, frames []frame, deaths int, seed uint64, wrap func(*dynamo.State) testkit.Store) string {
	draw := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // orders, not secrets
	ids := []pusher.ConnectionID{"L0SM9cOFvHcCIhw=", "R1kmxc2VNjMCFIA="}
	state := testkit.Table(t, nil)
	store := func() testkit.Store { return wrap(state) }
	open(t, state, ids...)
	running := make([]*process, len(frames))
	died := make([]bool, len(frames))
	var steps []string
	last := -1
	for {
		var ready []int
		for i, f := range frames {
			p := running[i]
			if p == nil && seen(frames, running, f) || p != nil && p.Next != "" && !died[i] {
				ready = append(ready, i)
			}
		}
		if len(ready) == 0 {
			break
		}
		i := ready[draw.IntN(len(ready))]
		if slices.Contains(ready, last) && draw.IntN(3) > 0 {
			i = last // few switches at any place find more than many
		}
		last = i
		f := frames[i]
		switch p := running[i]; {
		case p == nil:
			name := fmt.Sprintf("%s%d@%d", f.kind, f.who, f.stamp)
			switch f.kind {
			case "sub":
				running[i] = subscribe(t, name, store(), ids[f.who], at(f.stamp))
			case "unsub":
				running[i] = unsubscribe(t, name, store(), ids[f.who], at(f.stamp))
			default:
				running[i] = forget(t, name, store(), ids[f.who])
			}
		case deaths > 0 && draw.IntN(8) == 0:
			deaths--
			died[i] = true
			steps = append(steps, p.Name+" dies before "+p.Next)
		default:
			steps = append(steps, p.Name+" "+p.Next)
			p.Step()
			if p.Err != nil {
				t.Fatalf("%s: %v after\n%s", p.Name, p.Err, strings.Join(steps, "\n"))
			}
		}
	}
	sweep(t, state)
	wrong := judge(frames, running, died, ids, look(t, state, ids...))
	if wrong != "" {
		wrong = fmt.Sprintf("seed %d: %s after\n%s", seed, wrong, strings.Join(steps, "\n"))
	}
	return wrong
}

// seen reports whether the frame's client has seen what it waits for. One that never comes is not
// waited for by its end.
func seen(frames []frame, running []*process, f frame) bool {
	if f.after == 0 {
		return true
	}
	for i, g := range frames {
		if g.kind == "sub" && g.who == f.who && g.stamp == f.after {
			return running[i] != nil && running[i].succeeded
		}
	}
	return false
}

// judge names the violation that the rows show: the P1, P3, P4 and P5 of the model.
func judge(frames []frame, running []*process, died []bool, ids []pusher.ConnectionID, r rows) string {
	occupied, death := false, false
	for who, id := range ids {
		gone, hurt, last, on := false, false, 0, false
		for i, f := range frames {
			if f.who != who || running[i] == nil {
				continue
			}
			hurt = hurt || died[i]
			switch {
			case f.kind == "forget":
				gone = true
			case f.stamp > last, f.stamp == last && f.kind == "sub": // subscribe beats unsubscribe at equal stamps
				last, on = f.stamp, f.kind == "sub"
			}
		}
		death = death || hurt
		_, row := r.subscribed[id]
		switch {
		case gone && !hurt && (row || r.open[id]), gone && row && !r.open[id]:
			return fmt.Sprintf("P1 a row of connection %d is left: %+v", who, r)
		case !gone && !hurt && on != row:
			return fmt.Sprintf("P5 connection %d: the last frame says %t, the row %t: %+v", who, on, row, r)
		}
		occupied = occupied || row
	}
	switch {
	case occupied && !r.listed() && !death:
		return fmt.Sprintf("P3 an occupied channel is not listed: %+v", r)
	case !occupied && r.listed() && !death:
		return fmt.Sprintf("P3 an empty channel is listed: %+v", r)
	}
	return ""
}
