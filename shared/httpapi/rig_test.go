package httpapi_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5" //nolint:gosec // the protocol's
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsdb "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"hark/localstack/cloud/dynamodb"
	"hark/localstack/cloud/meter"
	"hark/shared/dynamo"
	"hark/shared/httpapi"
	"hark/shared/pusher"
	"hark/shared/settings"
	"hark/shared/state"
)

// now is the time of all tests: when the vector of docs/protocol.md §5.1 was signed.
var now = time.Unix(1353088179, 0)

// apps has apps by ID. The one called broken cannot be read.
type apps map[string]pusher.App

func (a apps) ByID(_ context.Context, id string) (pusher.App, error) {
	if id == "broken" {
		return pusher.App{}, errors.New("inner-text of the table")
	}
	app, ok := a[id]
	if !ok {
		return pusher.App{}, pusher.ErrNoApp
	}
	return app, nil
}

// publisher records the events that are published, or fails with err.
type publisher struct {
	mu    sync.Mutex
	calls int
	got   []state.Event
	err   error
}

func (p *publisher) Publish(_ context.Context, b ...state.Broadcast) error {
	if p.err != nil {
		return p.err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	for _, m := range b {
		e, ok := m.(state.Event)
		if !ok {
			return fmt.Errorf("a publisher publishes events, not %T", m)
		}
		p.got = append(p.got, e)
	}
	return nil
}

// gateway records the calls. A post to a connection with an error fails; the connection called
// stuck cannot be closed.
type gateway struct {
	mu    sync.Mutex
	errs  map[pusher.ConnectionID]error
	calls []string // "post {id} {frame}" and "close {id}", those of a connection in their order
}

func (g *gateway) Post(_ context.Context, id pusher.ConnectionID, frame []byte) error {
	g.record("post " + string(id) + " " + string(frame))
	return g.errs[id]
}

func (g *gateway) Close(_ context.Context, id pusher.ConnectionID) error {
	g.record("close " + string(id))
	if id == "stuck" {
		return errors.New("inner-text of the gateway")
	}
	return nil
}

func (g *gateway) record(call string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls = append(g.calls, call)
}

// server is the API over HTTP, with the state table in the local cloud.
type server struct {
	*httptest.Server
	*publisher
	api        *httpapi.API
	app        pusher.App
	store      *dynamo.State
	bill       *meter.Meter
	tableFails *atomic.Bool
	gateway    *gateway
	log        *bytes.Buffer
}

func newServer(t testing.TB, change ...func(*pusher.App)) *server {
	t.Helper()
	s := &server{
		publisher: &publisher{}, gateway: &gateway{errs: map[pusher.ConnectionID]error{}},
		log: &bytes.Buffer{},
	}
	s.app = pusher.App{
		ID: "3", Key: "278d425bdf160c739803", Secret: "7ad3773142a6692b25b8",
		Settings: settings.Default(),
	}
	for _, f := range change {
		f(&s.app)
	}
	off := s.app
	off.ID, off.Disabled = "off", true
	s.openTable(t)
	s.api = &httpapi.API{
		Apps: apps{
			"3": s.app, "other": {ID: "other", Key: "other-key", Secret: s.app.Secret}, "off": off,
		},
		Publisher: s.publisher,
		State:     s.store,
		Gateway:   s.gateway,
		Now:       func() time.Time { return now },
		Log: slog.New(
			slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}),
		),
	}
	s.Server = httptest.NewServer(s.api.Handler())
	t.Cleanup(s.Close)
	return s
}

// openTable starts an empty state table in the local cloud.
func (s *server) openTable(t testing.TB) {
	t.Helper()
	s.bill, s.tableFails = &meter.Meter{}, &atomic.Bool{}
	engine := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", Account: "000000000000", Meter: s.bill,
	})
	err := engine.Create(dynamodb.TableSpec{
		TableName: "state",
		KeySchema: []dynamodb.KeyElement{
			{AttributeName: "pk", KeyType: "HASH"}, {AttributeName: "sk", KeyType: "RANGE"},
		},
		AttributeDefinitions: []dynamodb.AttributeDefinition{
			{AttributeName: "pk", AttributeType: "S"}, {AttributeName: "sk", AttributeType: "S"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	table := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.tableFails.Load() { // with an error that the SDK does not retry
			http.Error(w,
				`{"__type":"com.amazon.coral.validate#ValidationException",`+
					`"message":"inner-text of the table"}`,
				http.StatusBadRequest)
			return
		}
		engine.ServeHTTP(w, r)
	}))
	t.Cleanup(table.Close)
	s.store = &dynamo.State{Table: "state", Client: awsdb.New(awsdb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(table.URL),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})}
}

// subscribe subscribes connections to a channel.
func (s *server) subscribe(t *testing.T, ch pusher.Channel, ids ...pusher.ConnectionID) {
	t.Helper()
	for _, id := range ids {
		s.put(t, state.Subscription{Channel: ch, Connection: id, ConnectedAt: s.api.Now()})
	}
}

// join makes a connection a member of a presence channel.
func (s *server) join(t *testing.T, ch pusher.Channel, id pusher.ConnectionID, user string) {
	t.Helper()
	s.put(t, state.Subscription{
		Channel: ch, Connection: id, ConnectedAt: s.api.Now(), Member: pusher.Member{UserID: user},
	})
}

func (s *server) put(t *testing.T, sub state.Subscription) {
	t.Helper()
	sub.App, sub.Stamp = cmp.Or(sub.App, s.app.ID), 1
	if _, err := s.store.PutMarker(t.Context(), sub.App, sub.Channel, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.store.PutSubscription(t.Context(), sub); err != nil {
		t.Fatal(err)
	}
}

// signIn signs a connection in as a user.
func (s *server) signIn(t *testing.T, id pusher.ConnectionID, user string) {
	t.Helper()
	c := state.Connection{ID: id, App: s.app.ID, ConnectedAt: s.api.Now(), User: user}
	if err := s.store.PutUser(t.Context(), c, nil); err != nil {
		t.Fatal(err)
	}
}

// request is a publisher's request, with the changes that were made after it was signed.
type request struct {
	method, path, body string // POST /apps/3/events if empty
	prefix             string // in front of the path, not signed
	signedPath         string // as it was signed, if not as it is sent
	query              string // signed as it is
	sent               string // instead of the signed query, if not empty
	sentBody           string // instead of the signed body, if not empty
	at                 time.Time
	key                string
	header             http.Header
}

// target signs the request by hand and returns its path and query.
func (s *server) target(r request) string {
	r.path, r.method = cmp.Or(r.path, "/apps/3/events"), cmp.Or(r.method, http.MethodPost)
	if r.at.IsZero() {
		r.at = now
	}
	params := []string{
		"auth_key=" + cmp.Or(r.key, s.app.Key),
		"auth_timestamp=" + strconv.FormatInt(r.at.Unix(), 10), "auth_version=1.0",
	}
	if r.method == http.MethodPost {
		sum := md5.Sum([]byte(r.body)) //nolint:gosec // as above
		params = append(params, "body_md5="+hex.EncodeToString(sum[:]))
	}
	if r.query != "" {
		params = append(params, strings.Split(r.query, "&")...)
	}
	slices.Sort(params)
	query := strings.Join(params, "&")
	signature := s.app.Sign(r.method + "\n" + cmp.Or(r.signedPath, r.path) + "\n" + query)
	if r.sent != "" {
		query = strings.Replace(query, r.query, r.sent, 1)
	}
	return r.prefix + r.path + "?" + query + "&auth_signature=" + signature
}

// do signs the request and sends it.
func (s *server) do(t *testing.T, r request) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(
		t.Context(), cmp.Or(r.method, http.MethodPost), s.URL+s.target(r),
		strings.NewReader(cmp.Or(r.sentBody, r.body)),
	)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(req.Header, r.header)
	return do(t, req)
}

// get sends a GET for a path below the app.
func (s *server) get(t *testing.T, path, query string) answer {
	t.Helper()
	return s.do(t, request{method: http.MethodGet, path: "/apps/3" + path, query: query})
}

func do(t *testing.T, req *http.Request) answer {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, string(body), res.Header.Get("Content-Type"), res.Header}
}

// answer is an HTTP response.
type answer struct {
	status     int
	body, kind string
	header     http.Header
}

// accepted asserts a success as every SDK takes it (docs/protocol.md §5.2).
func (a answer) accepted(t *testing.T, body string) {
	t.Helper()
	if a.status != 200 || a.body != body || a.kind != "application/json" {
		t.Fatalf("got %d %s %q, want 200 application/json %q", a.status, a.kind, a.body, body)
	}
}

// answered asserts a success with the body, or a refusal with the text in it.
func (s *server) answered(t *testing.T, a answer, status int, text string) {
	t.Helper()
	if status != http.StatusOK {
		s.refused(t, a, status, text)
		return
	}
	a.accepted(t, text)
}

// refused asserts a refusal: 126 its text is short and plain, and has neither the secret nor
// internals. Nothing was published.
func (s *server) refused(t *testing.T, a answer, status int, says string) {
	t.Helper()
	if a.status != status || !strings.Contains(a.body, says) {
		t.Errorf("got %d %q, want %d and %q", a.status, a.body, status, says)
	}
	if a.kind != "text/plain; charset=utf-8" || len(a.body) > 700 || a.body == "" {
		t.Errorf("126 the text is %s, %d bytes", a.kind, len(a.body))
	}
	for _, secret := range []string{s.app.Secret, "inner-text", "goroutine"} {
		if strings.Contains(a.body, secret) {
			t.Errorf("%s is in the answer: %s", secret, a.body)
		}
	}
	if len(s.got) != 0 {
		t.Errorf("published all the same: %+v", s.got)
	}
}
