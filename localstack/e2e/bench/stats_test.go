package main

import (
	"testing"
	"time"
)

func TestPercentileIsTheNearestRank(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(100 - i)
	}
	for _, tc := range []struct {
		name string
		d    []time.Duration
		p    float64
		want time.Duration
	}{
		{"of none is 0", nil, 50, 0},
		{"of one is that one", []time.Duration{7}, 99, 7},
		{"the median of an even number is the lower middle", []time.Duration{4, 1, 3, 2}, 50, 2},
		{"the 50th of a hundred", hundred, 50, 50},
		{"the 99th of a hundred", hundred, 99, 99},
		{"the 100th is the highest", hundred, 100, 100},
		{"the 0th is the lowest", hundred, 0, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := percentile(tc.d, tc.p); got != tc.want {
				t.Errorf("percentile = %d, want %d", got, tc.want)
			}
		})
	}
}

func TestTallyCountsLostRepeatedAndLateEvents(t *testing.T) {
	type figures struct{ received, lost, duplicates, disordered int }
	for _, tc := range []struct {
		name string
		came []int
		want figures
	}{
		{"nothing", nil, figures{0, 4, 0, 0}},
		{"all in order", []int{0, 1, 2, 3}, figures{4, 0, 0, 0}},
		{"one missing", []int{0, 1, 3}, figures{3, 1, 0, 0}},
		{"one late", []int{0, 2, 1, 3}, figures{4, 0, 0, 1}},
		{
			"a batch repeated after a crash is no disorder",
			[]int{0, 1, 2, 1, 2, 3},
			figures{4, 0, 2, 0},
		},
		{"numbers of another run", []int{7, -1, 0}, figures{1, 3, 0, 0}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := newTally(4)
			for _, n := range tc.came {
				got.add(n)
			}
			f := (figures{got.received, got.lost(), got.duplicates, got.disordered})
			if f != tc.want {
				t.Errorf("got %+v, want %+v", f, tc.want)
			}
		})
	}
}

func TestNumberReadsTheDataOfAFrame(t *testing.T) {
	for _, tc := range []struct {
		name, frame string
		want        int
		ok          bool
	}{
		{
			"an event of the benchmark", `{"event":"bench","channel":"bench-1","data":"42"}`, 42,
			true,
		},
		{
			"its keys in another order", `{"data":"42","event":"bench","channel":"bench-1"}`, 42,
			true,
		},
		{"a pong", `{"event":"pusher:pong","data":"{}"}`, 0, false},
		{"no data", `{"event":"bench"}`, 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got, ok := number([]byte(tc.frame)); got != tc.want || ok != tc.ok {
				t.Errorf("number = %d, %t", got, ok)
			}
		})
	}
}
