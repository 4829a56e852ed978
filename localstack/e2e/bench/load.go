package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"hark/localstack/e2e/target"
	"hark/localstack/e2e/wire"
)

const (
	atOnce = 20 // connections opened or closed side by side
	// connections opened a second: the stack admits at most 200 (docs/decisions/0020-limits.md)
	dialRate = 180
	patience = 15 * time.Second // for one frame that must come
	stalled  = 10 * time.Second // after so long without a delivery, missing ones count as lost
	// events before a measurement, so that processes and connections exist
	warmUps = 20
)

// load makes connections and events.
type load struct {
	hark  *target.Target
	api   wire.API
	names int
}

func newLoad(hark *target.Target) *load {
	// Keep a connection alive for each publish that is in flight.
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	return &load{
		hark: hark,
		api: wire.API{
			Base: hark.APIURL, App: hark.App, Client: &http.Client{Transport: transport},
		},
	}
}

// dialling opens connections at a rate and times each from dialling to its greeting.
func (l *load) dialling(ctx context.Context, rate, count int) (Dial, error) {
	took := make([]time.Duration, count)
	conns := make([]*wire.Conn, count)
	defer func() { _ = closeAll(conns) }()
	var g errgroup.Group
	err := paced(ctx, rate, count, func(i int, due time.Time) {
		g.Go(func() (err error) {
			conns[i], err = l.connect(ctx)
			took[i] = time.Since(due)
			return err
		})
	})
	if err := errors.Join(err, g.Wait()); err != nil {
		return Dial{}, err
	}
	return Dial{
		Rate: rate, Connections: count, P50: milliseconds(percentile(took, 50)),
		P99: milliseconds(percentile(took, 99)),
	}, nil
}

// latency publishes at a fixed rate, whether or not earlier events have arrived. It measures each
// delivery from the time when its publish was due.
func (l *load) latency(ctx context.Context, subscribers, rate, events int) (Latency, error) {
	c, err := l.crowd(ctx, subscribers, events)
	if err != nil {
		return Latency{}, err
	}
	defer c.close()
	var g errgroup.Group
	err = paced(ctx, rate, events, func(i int, due time.Time) {
		c.due[i].Store(due.UnixNano())
		g.Go(func() error { return l.publish(ctx, c.channel, i) })
	})
	if err := errors.Join(err, g.Wait()); err != nil {
		return Latency{}, err
	}
	c.drain(ctx)
	took, sum := c.results()
	return Latency{
		Subscribers: subscribers, Rate: rate, Events: events,
		P50: milliseconds(percentile(took, 50)), P99: milliseconds(percentile(took, 99)),
		Lost: sum.lost(), Duplicates: sum.duplicates,
	}, nil
}

// throughput publishes one event after another as fast as they are accepted, which is faster than
// they are delivered. It counts deliveries from the first publish to the last delivery.
func (l *load) throughput(ctx context.Context, subscribers, events int) (Throughput, error) {
	c, err := l.crowd(ctx, subscribers, events)
	if err != nil {
		return Throughput{}, err
	}
	defer c.close()
	began := time.Now()
	for i := range events {
		c.due[i].Store(time.Now().UnixNano())
		if err := l.publish(ctx, c.channel, i); err != nil {
			return Throughput{}, err
		}
	}
	published := time.Since(began)
	c.drain(ctx)
	_, sum := c.results()
	took := time.Unix(0, c.last.Load()).Sub(began)
	return Throughput{
		Subscribers: subscribers, Events: events,
		PerSecond:          int(float64(sum.received+sum.duplicates) / took.Seconds()),
		PublishedPerSecond: int(float64(events) / published.Seconds()),
		Lost:               sum.lost(), Duplicates: sum.duplicates, OutOfOrder: sum.disordered,
	}, nil
}

func (l *load) publish(ctx context.Context, channel string, n int) error {
	a, err := l.api.Publish(ctx, wire.Event{Name: "bench", Channel: channel, Data: strconv.Itoa(n)})
	if err != nil {
		return err
	}
	if a.Status != http.StatusOK {
		return fmt.Errorf("publish: %d %s", a.Status, a.Body)
	}
	return nil
}

func (l *load) connect(ctx context.Context) (*wire.Conn, error) {
	c, err := wire.Dial(ctx, l.hark.URL, "/app/"+l.hark.App.Key+"?protocol=7")
	if err != nil {
		return nil, err
	}
	_, err = c.Greeting(patience)
	return c, err
}

func (l *load) subscribe(ctx context.Context, channel string) (*wire.Conn, error) {
	c, err := l.connect(ctx)
	if err != nil {
		return c, err
	}
	if err := c.Subscribe(channel, ""); err != nil {
		return c, err
	}
	f, err := c.Next(patience)
	if err == nil && f.Event != wire.SubscriptionSucceeded {
		err = fmt.Errorf("subscribe: got %s", f.Raw)
	}
	return c, err
}

// crowd is the subscribers of one channel, each with a goroutine that reads frames.
type crowd struct {
	channel string
	conns   []*wire.Conn
	due     []atomic.Int64 // when each event's publish was due, in Unix nanoseconds

	last    atomic.Int64 // when the last delivery came, in Unix nanoseconds
	missing atomic.Int64 // deliveries that have not come
	readers sync.WaitGroup
	tallies []*tally
	took    [][]time.Duration // of each subscriber's deliveries
}

// crowd connects and subscribes, sends a few events to warm everything up, and starts to read.
func (l *load) crowd(ctx context.Context, subscribers, events int) (*crowd, error) {
	l.names++
	c := &crowd{
		channel: fmt.Sprintf("bench-%d", l.names),
		conns:   make([]*wire.Conn, subscribers),
		due:     make([]atomic.Int64, events),
		tallies: make([]*tally, subscribers),
		took:    make([][]time.Duration, subscribers),
	}
	var g errgroup.Group
	err := paced(ctx, dialRate, subscribers, func(i int, _ time.Time) {
		g.Go(func() (err error) {
			c.conns[i], err = l.subscribe(ctx, c.channel)
			return err
		})
	})
	if err := errors.Join(err, g.Wait()); err != nil {
		return nil, errors.Join(err, closeAll(c.conns))
	}
	if err := l.warm(ctx, c); err != nil {
		return nil, errors.Join(err, closeAll(c.conns))
	}
	c.missing.Store(int64(subscribers) * int64(events))
	for i := range c.conns {
		c.tallies[i] = newTally(events)
		c.readers.Go(func() { c.read(i) })
	}
	return c, nil
}

// warm publishes a few events, with negative numbers, and reads them at each subscriber.
func (l *load) warm(ctx context.Context, c *crowd) error {
	events := max(warmUps/len(c.conns), 3)
	for i := range events {
		if err := l.publish(ctx, c.channel, -1-i); err != nil {
			return err
		}
	}
	var g errgroup.Group
	for _, conn := range c.conns {
		g.Go(func() error {
			for range events {
				if _, err := conn.Message(patience); err != nil {
					return fmt.Errorf("warm up: %w", err)
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// read counts what one subscriber receives until its connection ends.
func (c *crowd) read(i int) {
	for {
		frame, err := c.conns[i].Message(limit)
		if err != nil {
			return
		}
		now := time.Now()
		n, ok := number(frame)
		if !ok || n < 0 || n >= len(c.due) {
			continue
		}
		had := c.tallies[i].received
		c.tallies[i].add(n)
		c.last.Store(now.UnixNano())
		if c.tallies[i].received > had {
			c.took[i] = append(c.took[i], time.Duration(now.UnixNano()-c.due[n].Load()))
			c.missing.Add(-1)
		}
	}
}

// drain waits until all deliveries have come, or until none has come for a while.
func (c *crowd) drain(ctx context.Context) {
	began := time.Now()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for c.missing.Load() > 0 {
		latest := time.Unix(0, max(c.last.Load(), began.UnixNano()))
		if time.Since(latest) > stalled {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// results ends the readers and adds up what they have counted.
func (c *crowd) results() ([]time.Duration, *tally) {
	c.close()
	var took []time.Duration
	sum := newTally(len(c.due) * len(c.conns))
	for i, t := range c.tallies {
		took = append(took, c.took[i]...)
		sum.received += t.received
		sum.duplicates += t.duplicates
		sum.disordered += t.disordered
	}
	return took, sum
}

func (c *crowd) close() {
	_ = closeAll(c.conns) // fails after results, which closes them too
	c.readers.Wait()
}

func closeAll(conns []*wire.Conn) error {
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, c := range conns {
		if c != nil {
			g.Go(c.Close)
		}
	}
	return g.Wait()
}

// paced calls start at a fixed rate. It leaves out no call that is late.
func paced(ctx context.Context, rate, count int, start func(i int, due time.Time)) error {
	began := time.Now()
	for i := range count {
		due := began.Add(time.Duration(i) * time.Second / time.Duration(rate))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Until(due)):
		}
		start(i, due)
	}
	return nil
}

// number reads the number of an event from its frame. The data of the benchmark's events is only
// that number.
func number(frame []byte) (int, bool) {
	_, rest, ok := bytes.Cut(frame, []byte(`"data":"`))
	if !ok {
		return 0, false
	}
	text, _, _ := bytes.Cut(rest, []byte(`"`))
	n, err := strconv.Atoi(string(text))
	return n, err == nil
}
