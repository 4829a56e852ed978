package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
)

// Result is what a run measured. Durations are in milliseconds.
type Result struct {
	Date       string       `json:"date"`
	Machine    Machine      `json:"machine"`
	Dial       Dial         `json:"dial"`
	Latency    []Latency    `json:"latency"`
	Throughput []Throughput `json:"throughput"`
}

// Machine is the machine of the measurement.
type Machine struct {
	CPU   string `json:"cpu"`
	Cores int    `json:"cores"`
	OS    string `json:"os"`
	Go    string `json:"go"`
}

// Dial is the time from dialling to connection_established.
type Dial struct {
	Rate        int     `json:"rate_per_second"`
	Connections int     `json:"connections"`
	P50         float64 `json:"p50_ms"`
	P99         float64 `json:"p99_ms"`
}

// Latency is the time from when a publish was due to each delivery.
type Latency struct {
	Subscribers int     `json:"subscribers"`
	Rate        int     `json:"rate_per_second"`
	Events      int     `json:"events"`
	P50         float64 `json:"p50_ms"`
	P99         float64 `json:"p99_ms"`
	Lost        int     `json:"lost"`
	Duplicates  int     `json:"duplicates"`
}

// Throughput is how fast the events of a full queue are delivered.
type Throughput struct {
	Subscribers        int `json:"subscribers"`
	Events             int `json:"events"`
	PerSecond          int `json:"deliveries_per_second"`
	PublishedPerSecond int `json:"published_per_second"`
	Lost               int `json:"lost"`
	Duplicates         int `json:"duplicates"`
	OutOfOrder         int `json:"out_of_order"`
}

func thisMachine() Machine {
	m := Machine{
		CPU: runtime.GOARCH, Cores: runtime.NumCPU(), OS: runtime.GOOS, Go: runtime.Version(),
	}
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return m // not Linux: name the architecture instead of the model
	}
	for line := range strings.Lines(string(info)) {
		name, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(name) == "model name" {
			m.CPU = strings.TrimSpace(value)
			break
		}
	}
	return m
}

// table prints the result as text, with Reverb's figures beside Hark's.
func (r Result) table(w io.Writer) error {
	fmt.Fprintf(w, "%s: local cloud, load and clients on %d cores of %s, %s, %s\n\n",
		r.Date, r.Machine.Cores, r.Machine.CPU, r.Machine.OS, r.Machine.Go)
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(cells ...any) {
		fmt.Fprintf(tab, strings.Repeat("%v\t", len(cells))+"\n", cells...)
	}

	row("publish → receive, ms", "p50", "p99", "events/s", "lost", "twice", "Reverb p50",
		"Reverb p99")
	for _, l := range r.Latency {
		ref := reverbLatency(l.Subscribers)
		row(subscribers(l.Subscribers), l.P50, l.P99, l.Rate, l.Lost, l.Duplicates, ref[0], ref[1])
	}
	row()
	row("full queue, deliveries/s", "ours", "published/s", "lost", "twice", "disordered", "Reverb",
		"")
	for _, t := range r.Throughput {
		row(subscribers(t.Subscribers), t.PerSecond, t.PublishedPerSecond, t.Lost, t.Duplicates,
			t.OutOfOrder,
			reverbThroughput(t.Subscribers), "")
	}
	row()
	row("dial → established, ms", "p50", "p99", "conns/s", "", "", "Reverb p50", "conns/s")
	row(fmt.Sprintf("%d connections", r.Dial.Connections), r.Dial.P50, r.Dial.P99, r.Dial.Rate, "",
		"", reverbDialP50, reverbDialRate)
	return tab.Flush()
}

func subscribers(n int) string {
	if n == 1 {
		return "1 subscriber"
	}
	return fmt.Sprintf("%d subscribers", n)
}
