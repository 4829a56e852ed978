package fanout_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"hark/shared/apigw"
	"hark/shared/dynamo"
	"hark/shared/fanout"
	"hark/shared/internal/testkit"
	"hark/shared/membership"
	"hark/shared/pusher"
	"hark/shared/settings"
	"hark/shared/state"
)

const (
	appID   = "local"
	channel = pusher.Channel("orders")
)

// The clients of the tests.
const (
	ann pusher.ConnectionID = "L0SM9cOFvHcCIhw="
	bob pusher.ConnectionID = "R1kmxc2VNjMCFIA="
	eve pusher.ConnectionID = "DfyBYdK2SQ0CGCA="
)

// rig is a fan-out with the adapters that it has in the cloud: subscriptions in the DynamoDB
// engine, connections behind a gateway that answers by script.
type rig struct {
	*fanout.Fanout
	cfg     aws.Config
	gateway *gateway
	state   *dynamo.State
	members *membership.Membership

	mu     sync.Mutex
	log    bytes.Buffer
	queued []state.Broadcast
}

func newRig(t *testing.T, patience time.Duration) *rig {
	t.Helper()
	cfg := aws.Config{
		Region: testkit.Region, Credentials: aws.CredentialsProviderFunc(testkit.Credentials),
	}
	r := &rig{cfg: cfg, gateway: newGateway(t), state: testkit.Table(t, nil)}
	client := r.client(t, patience)
	log := slog.New(slog.NewTextHandler(r, nil))
	r.members = r.membership(client)
	r.members.Log = log
	r.Fanout = &fanout.Fanout{
		Subscribers: r.state, Cache: r.state, Forgetter: r.members, Gateway: client,
		ClientsAtOnce: 8, Log: log,
	}
	return r
}

// membership runs the steps, and posts by this gateway.
func (r *rig) membership(gateway membership.Gateway) *membership.Membership {
	return &membership.Membership{
		Rows: testkit.Rows(r.state), Apps: r, Gateway: gateway, Queue: r, Timeout: 10 * time.Second,
	}
}

// ByID returns an app with the default settings, whatever its ID.
func (r *rig) ByID(_ context.Context, id string) (pusher.App, error) {
	return pusher.App{ID: id, Settings: settings.Default()}, nil
}

// Publish keeps messages. Only leaves of clients that have gone are queued.
func (r *rig) Publish(_ context.Context, messages ...state.Broadcast) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queued = append(r.queued, messages...)
	return nil
}

// client is a client of the gateway.
func (r *rig) client(t *testing.T, patience time.Duration) *apigw.Gateway {
	t.Helper()
	c, err := apigw.NewGateway(r.cfg, apigw.Options{
		URL: r.gateway.URL + "/prod", PostsAtOnce: 10, Patience: patience,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Write keeps a line of the log.
func (r *rig) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(line)
}

// dropped counts the events that the log says a client was not given.
func (r *rig) dropped(id pusher.ConnectionID) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for line := range strings.SplitSeq(r.log.String(), "\n") {
		dropped := strings.Contains(line, "event dropped for one client")
		if dropped && strings.Contains(line, string(id)) {
			n++
		}
	}
	return n
}

// subscribe opens a connection of that age and subscribes it. The scripted gateway gets no request.
func (r *rig) subscribe(t *testing.T, app string, id pusher.ConnectionID, age time.Duration) {
	t.Helper()
	at := time.Now().Add(-age)
	c := state.Connection{ID: id, App: app, ConnectedAt: at}
	tenant, _ := r.ByID(t.Context(), app)
	quiet := r.membership(&testkit.Gateway{})
	if err := quiet.Open(t.Context(), tenant, c); err != nil {
		t.Fatal(err)
	}
	stamp := state.Stamp(at.UnixMilli())
	if err := quiet.Subscribe(t.Context(), tenant, c, channel, stamp); err != nil {
		t.Fatalf("subscribe %s: %v", id, err)
	}
}

// subscribed returns the connections that are subscribed.
func (r *rig) subscribed(t *testing.T) (ids []pusher.ConnectionID) {
	t.Helper()
	add := func(page []state.Subscription) error {
		for _, s := range page {
			ids = append(ids, s.Connection)
		}
		return nil
	}
	err := r.state.Subscribers(t.Context(), appID, channel, time.Now(), add)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// numbered are events whose data is their number, from 1.
func numbered(n int) (all []state.Event) {
	for i := range n {
		frame := pusher.EventFrame("e", channel, fmt.Sprint(i+1))
		all = append(all, state.Event{App: appID, Channel: channel, Frame: frame})
	}
	return all
}

// deliver posts events of one channel, all of which must be done.
func (r *rig) deliver(t *testing.T, events ...state.Event) {
	t.Helper()
	if done, err := r.Events(t.Context(), events); err != nil || done != len(events) {
		t.Fatalf("%d of %d done, %v", done, len(events), err)
	}
}

// gateway answers for connections and keeps what they were sent.
type gateway struct {
	*httptest.Server
	// answer returns the status of a request; 200 if nil.
	answer func(method string, id pusher.ConnectionID, frame string) int

	mu   sync.Mutex
	got  map[pusher.ConnectionID][]string // frames that were answered 200
	seen map[pusher.ConnectionID][]string // all requests: method and frame
}

func newGateway(t *testing.T) *gateway {
	t.Helper()
	g := &gateway{
		got: map[pusher.ConnectionID][]string{}, seen: map[pusher.ConnectionID][]string{},
	}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		id := pusher.ConnectionID(path.Base(r.URL.Path))
		g.mu.Lock()
		g.seen[id] = append(g.seen[id], strings.TrimSpace(r.Method+" "+string(body)))
		g.mu.Unlock()
		status := http.StatusOK
		if g.answer != nil {
			status = g.answer(r.Method, id, string(body))
		}
		if status == http.StatusOK && r.Method == http.MethodPost {
			g.mu.Lock()
			g.got[id] = append(g.got[id], string(body))
			g.mu.Unlock()
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(g.Close)
	return g
}

func (g *gateway) received(id pusher.ConnectionID) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.got[id])
}

func (g *gateway) requests(id pusher.ConnectionID) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.seen[id])
}

// methods are the methods of all requests about a connection, parted by spaces.
func (g *gateway) methods(id pusher.ConnectionID) string {
	var methods []string
	for _, request := range g.requests(id) {
		method, _, _ := strings.Cut(request, " ")
		methods = append(methods, method)
	}
	return strings.Join(methods, " ")
}

// has asserts which events a client got, in which order.
func (g *gateway) has(t *testing.T, id pusher.ConnectionID, events ...state.Event) {
	t.Helper()
	var want []string
	for _, e := range events {
		want = append(want, string(e.Frame))
	}
	if got := g.received(id); !slices.Equal(got, want) {
		t.Errorf("%s got %q, want %q", id, got, want)
	}
}
