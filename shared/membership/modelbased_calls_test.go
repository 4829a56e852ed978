package membership_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"hark/shared/consumer"
	"hark/shared/membership"
	"hark/shared/pusher"
	"hark/shared/state"
)

// call is one invocation of a function. It stops before each request to DynamoDB, to the queue and
// to a socket until it is told to go on, so that any interleaving can be had, and it can die there.
type call struct {
	n       int
	name    string
	ctx     context.Context // of the invocation
	cancel  context.CancelFunc
	asked   *asked          // the client's frame that it answers, if it answers one
	groups  []string        // whose messages it has, if it is the consumer
	touched map[string]bool // rows that it has had in hand
	hurt    bool            // it died, or something failed for it
	ended   bool
}

// verdict is what becomes of a step.
type verdict int

const (
	done    verdict = iota // it is taken
	refused                // DynamoDB is throttled: nothing happens
	lost                   // it happens, but the answer is lost
	twice                  // it happens, the answer is lost, and the SDK repeats it
)

// stop is a step that waits. A call stands at several if it does several things at once.
type stop struct {
	call  *call
	step  string
	group string // whose message is being worked on, if it is the consumer's
	told  chan verdict
}

// groups are those whose messages come again if the step fails.
func (s *stop) groups() []string {
	if s.group == "" {
		return s.call.groups
	}
	return []string{s.group}
}

type (
	callKey  struct{}
	groupKey struct{}
	joinKey  struct{}
	cacheKey struct{}
)

// cacheRead says that the next event which is posted comes from the cache.
type cacheRead struct{ read bool }

// begin starts a call, up to its first steps.
func (w *world) begin(name string, c *call, f func(ctx context.Context)) *call {
	w.made++
	c.n, c.touched = w.made, map[string]bool{}
	c.name = fmt.Sprintf("%d %s", c.n, name)
	ctx, cancel := context.WithTimeout(context.Background(), timeout) // Lambda ends whatever takes longer
	c.ctx, c.cancel = context.WithValue(context.WithValue(ctx, callKey{}, c), cacheKey{}, &cacheRead{}), cancel
	w.calls = append(w.calls, c)
	w.note("%s", c.name)
	go func() {
		defer func() {
			p := recover()
			w.mu.Lock()
			defer w.mu.Unlock()
			c.ended = true
			if p != nil {
				w.violate("%s: panic: %v\n%s", c.name, p, debug.Stack())
			}
		}()
		f(c.ctx)
	}()
	w.settle()
	return c
}

// settle waits until every call stands still, or has ended.
func (w *world) settle() {
	synctest.Wait()
	w.calls = slices.DeleteFunc(w.calls, func(c *call) bool {
		if c.ended {
			c.cancel()
		}
		return c.ended
	})
	slices.SortFunc(w.stops, func(a, b *stop) int {
		if a.call != b.call {
			return a.call.n - b.call.n
		}
		return strings.Compare(a.step, b.step)
	})
}

// ask stands before a step until it may be taken. It fails if the call has died meanwhile. What the
// test itself does, outside of any call, is no step.
func (w *world) ask(ctx context.Context, step string) (verdict, error) {
	c, ok := ctx.Value(callKey{}).(*call)
	if !ok {
		return done, nil
	}
	if err := errors.Join(ctx.Err(), c.ctx.Err()); err != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.harm(c, c.groups...)
		return done, err
	}
	s := &stop{call: c, step: step, told: make(chan verdict)}
	s.group, _ = ctx.Value(groupKey{}).(string)
	w.mu.Lock()
	w.stops = append(w.stops, s)
	w.mu.Unlock()
	select {
	case v := <-s.told:
		return v, nil
	case <-ctx.Done(): // there is no time left, but perhaps for a last word
	case <-c.ctx.Done(): // it is dead, whatever it has kept back
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stops = slices.DeleteFunc(w.stops, func(other *stop) bool { return other == s })
	w.harm(c, s.groups()...)
	return done, context.Canceled
}

// step lets one step be taken.
func (w *world) step(s *stop, v verdict) {
	w.note("%d: %s%s", s.call.n, s.step, []string{"", " is refused", ", the answer is lost", ", twice"}[v])
	w.mu.Lock()
	w.stops = slices.DeleteFunc(w.stops, func(other *stop) bool { return other == s })
	if v != done {
		w.harm(s.call, s.groups()...)
	}
	w.mu.Unlock()
	s.told <- v
	w.settle()
}

// finish lets a call run to its end. While it waits for something, time passes.
func (w *world) finish(c *call) {
	for !c.ended {
		i := slices.IndexFunc(w.stops, func(s *stop) bool { return s.call == c })
		if i < 0 {
			w.pass(20 * time.Millisecond)
			continue
		}
		w.step(w.stops[i], done)
	}
}

// kill ends a call where it stands: it never goes on.
func (w *world) kill(c *call) {
	w.note("%d dies", c.n)
	w.mu.Lock()
	w.harm(c, c.groups...)
	w.mu.Unlock()
	c.cancel()
	w.settle()
}

// pass lets time pass. The lock orders what the test has done before what calls do whom a timer
// wakes; otherwise a stop does.
func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	w.mu.Unlock() //nolint:staticcheck // as above
	time.Sleep(d)
	w.settle()
}

// harm notes that a call died or failed: the rows that it had in hand may be half done, its
// messages come again. w is locked.
func (w *world) harm(c *call, groups ...string) {
	c.hurt = true
	for row := range c.touched {
		w.hurt[row] = true
	}
	for _, g := range groups {
		w.retold[g] = true
	}
}

// grouped marks what is done for which group of the queue.
type grouped struct{ *consumer.Consumer }

func (g grouped) Consume(ctx context.Context, messages []state.Broadcast) (int, error) {
	return g.Consumer.Consume(context.WithValue(ctx, groupKey{}, channelRow(messages[0].Target())), messages)
}

// working marks what is done for which join.
type working struct{ *membership.ConsumerSteps }

func (k working) Join(ctx context.Context, j state.Join) error {
	ctx = context.WithValue(context.WithValue(ctx, joinKey{}, j), cacheKey{}, &cacheRead{})
	return k.ConsumerSteps.Join(ctx, j)
}

func (k working) Leave(ctx context.Context, l state.Leave) error {
	return k.ConsumerSteps.Leave(context.WithValue(ctx, cacheKey{}, &cacheRead{}), l)
}

func (k working) SendCount(ctx context.Context, c state.Count) error {
	return k.ConsumerSteps.SendCount(context.WithValue(ctx, cacheKey{}, &cacheRead{}), c)
}

func (k working) SendStatus(ctx context.Context, w state.Watch) error {
	return k.ConsumerSteps.SendStatus(context.WithValue(ctx, cacheKey{}, &cacheRead{}), w)
}

// wire is the way of requests to an engine. Each is a step.
func (w *world) wire(engine http.Handler) *http.Client {
	return &http.Client{Transport: wire{w, engine}}
}

type wire struct {
	w      *world
	engine http.Handler
}

// The answer of a request that is refused, and the error of one whose answer is lost.
const throttled = `{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"throttled by the test"}`

var errLost = errors.New("the answer is lost")

func (x wire) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	v, err := x.w.ask(r.Context(), operation+" "+describe(body))
	if err != nil {
		return nil, err
	}
	if v == refused {
		return &http.Response{
			StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
			Body: io.NopCloser(strings.NewReader(throttled)), Request: r,
		}, nil
	}
	answer := x.serve(r, body)
	x.w.happened(r.Context(), operation, body, answer.StatusCode)
	switch v {
	case lost:
		return nil, errLost
	case twice:
		answer = x.serve(r, body)
	default: // it is as it should be
	}
	return answer, nil
}

func (x wire) serve(r *http.Request, body []byte) *http.Response {
	if x.w.without.groups {
		body = x.w.scatter(body)
	}
	again := r.Clone(context.WithoutCancel(r.Context()))
	again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	recorder := httptest.NewRecorder()
	x.engine.ServeHTTP(recorder, again)
	return recorder.Result()
}

var groupID = regexp.MustCompile(`"MessageGroupId":"[^"]*"`)

// scatter puts each message of a request into a group of its own.
func (w *world) scatter(body []byte) []byte {
	return groupID.ReplaceAllFunc(body, func([]byte) []byte {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.made++
		return fmt.Appendf(nil, `"MessageGroupId":"%d"`, w.made)
	})
}

var (
	keyPart = regexp.MustCompile(`"(?::?pk|sk|:prefix)":\{"S":"([^"]*)"\}`)
	change  = regexp.MustCompile(`"(?:UpdateExpression|#ch)":"([^"]*)"`)
)

// describe says what a request is about, always in the same words.
func describe(body []byte) string {
	var parts []string
	for _, m := range keyPart.FindAllSubmatch(body, -1) {
		parts = append(parts, string(m[1]))
	}
	slices.Sort(parts)
	var changes []string
	for _, m := range change.FindAllSubmatch(body, -1) {
		changes = append(changes, string(m[1]))
	}
	slices.Sort(changes)
	for _, b := range queuedIn(body) {
		parts = append(parts, told(b))
	}
	return strings.Join(append(parts, changes...), " ")
}

// queued is any broadcast as its message's body has it.
type queued struct {
	Kind       string
	App        string
	Channel    pusher.Channel
	Connection pusher.ConnectionID
	Frame      json.RawMessage
}

// queuedIn are the broadcasts of a request that sends to the queue.
func queuedIn(body []byte) (all []queued) {
	var in struct {
		Entries []struct{ MessageBody string }
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil
	}
	for _, e := range in.Entries {
		var b queued
		if err := json.Unmarshal([]byte(e.MessageBody), &b); err == nil {
			all = append(all, b)
		}
	}
	return all
}

// told is a broadcast in a word.
func told(b queued) string {
	if b.Kind == "" {
		return fmt.Sprintf("event %s", b.Frame)
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s/%s %s", b.Kind, b.App, b.Channel, b.Connection))
}

// happened has the model see what a request has done.
func (w *world) happened(ctx context.Context, operation string, body []byte, status int) {
	if status != http.StatusOK {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	c, _ := ctx.Value(callKey{}).(*call)
	for _, row := range rowsOf(body) {
		if c == nil {
			continue
		}
		c.touched[row] = true
		if c.hurt {
			w.hurt[row] = true
		}
		if id, is := strings.CutPrefix(row, "conn#"); is && operation == "UpdateItem" && bytes.Contains(body, []byte("SET dead")) {
			w.peer(pusher.ConnectionID(id)).buried = c
		}
	}
	for _, b := range queuedIn(body) {
		if b.Kind == "" {
			w.reached(b)
		}
	}
}

// rowsOf names what the items of a request belong to: a channel with its marker, a user, a
// connection.
func rowsOf(body []byte) (all []string) {
	for _, m := range keyPart.FindAllSubmatch(body, -1) {
		row := string(m[1])
		switch {
		case strings.HasPrefix(row, "app#"): // of a marker; the name is in the sort key
		case strings.HasPrefix(row, "chan#"):
			if app, _, found := strings.Cut(strings.TrimPrefix(row, "chan#"), "#"); !found { // a marker's sort key
				all = append(all, markerRows(body, app)...)
				continue
			}
			all = append(all, row)
		case strings.HasPrefix(row, "user#"), strings.HasPrefix(row, "conn#"):
			all = append(all, row)
		}
	}
	return all
}

var markerPart = regexp.MustCompile(`"pk":\{"S":"app#([^"#]*)#`)

func markerRows(body []byte, channel string) (all []string) {
	for _, m := range markerPart.FindAllSubmatch(body, -1) {
		all = append(all, channelRow(string(m[1]), pusher.Channel(channel)))
	}
	return all
}

// channelRow is what all rows of a channel belong to.
func channelRow(app string, ch pusher.Channel) string {
	if user := ch.User(); user != "" {
		return "user#" + app + "#" + user
	}
	return "chan#" + app + "#" + string(ch)
}
