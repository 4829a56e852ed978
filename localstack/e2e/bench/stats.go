package main

import (
	"math"
	"slices"
	"time"
)

// percentile returns the smallest of the durations that at least p percent of them do not exceed
// (nearest rank), or 0 if there are none. It sorts them.
func percentile(d []time.Duration, p float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	rank := int(math.Ceil(p / 100 * float64(len(d))))
	return d[max(rank, 1)-1]
}

func milliseconds(d time.Duration) float64 {
	return math.Round(float64(d)/float64(time.Millisecond)*100) / 100
}

// tally counts the numbered events that one subscriber receives.
type tally struct {
	times      []int // how often each number came
	next       int   // one above the highest number seen
	received   int   // different numbers
	duplicates int
	disordered int // first came after a higher number
}

func newTally(events int) *tally { return &tally{times: make([]int, events)} }

// add counts an event with number n. It ignores numbers out of range.
func (t *tally) add(n int) {
	if n < 0 || n >= len(t.times) {
		return
	}
	t.times[n]++
	if t.times[n] > 1 {
		t.duplicates++
		return
	}
	t.received++
	if n < t.next {
		t.disordered++
		return
	}
	t.next = n + 1
}

func (t *tally) lost() int { return len(t.times) - t.received }
