package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/gobwas/ws"

	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/meter"
)

// Quotas of API Gateway WebSocket APIs (docs/aws.md §A4).
const (
	// bytes of a frame's payload; messages are also billed in steps of this
	maxFrame   = 32 << 10
	maxMessage = 128 << 10 // bytes of a message, in either direction
	// invocations of one connection at a time; at this number its socket is not read
	maxInFlight = 64
)

// Options configure a Service. Only Invoke is required.
type Options struct {
	Region, Account string           // part of ARNs and domain names
	Meter           *meter.Meter     // counts messages and connection minutes; may be nil
	Now             func() time.Time // for events, Idle and Life; time.Now if nil
	Log             *slog.Logger     // integration failures; discarded if nil

	// Invoke runs a function and waits for it. functionError is not empty if the function failed;
	// err is not nil if it could not be run (throttled, unknown). The context ends after
	// IntegrationTimeout, and when the service closes.
	Invoke func(ctx context.Context, functionARN string, payload []byte) (
		out []byte, functionError string, err error,
	)

	// Verify checks the signature of a request to @connections, given the hex SHA-256 of its body.
	// Signatures are not checked if nil.
	Verify func(r *http.Request, bodySHA256 string) error

	// Faults lose $disconnects, answer 410 for living connections, refuse and slow calls of
	// @connections, delay frames and cut connections. No faults if nil.
	Faults *faults.Set

	// NewID returns a connection ID. Random IDs of AWS's form if nil.
	NewID func() string

	// A connection is closed after this time without a message; 10 minutes if 0.
	Idle               time.Duration
	Life               time.Duration // of a connection; 2 hours if 0
	IntegrationTimeout time.Duration // of an invocation; 29 s if 0
	// bytes that may wait for a slow client before posts are answered 429; 512 KB if 0
	SendBuffer int
}

// Throttle limits a route to Rate requests a second, and Burst at once. There is no limit if Rate
// is 0.
type Throttle struct {
	Rate  float64 `json:"ThrottlingRateLimit"`
	Burst int     `json:"ThrottlingBurstLimit"`
}

// Route is a route with its integration.
type Route struct {
	AuthorizationType string // "NONE" or empty
	IntegrationType   string // "AWS_PROXY"
	// the function's ARN, or API Gateway's path to it
	// (arn:…:lambda:path/…/functions/{arn}/invocations)
	IntegrationURI string
	Throttle       *Throttle

	// RouteResponseSelectionExpression makes the route two-way when it is "$default" and the
	// template has a RouteResponse: the body that the function returns is sent to the client
	// (docs/aws.md §A6). Otherwise the body is dropped.
	RouteResponseSelectionExpression string
}

// API is an API with its one stage.
type API struct {
	ID                       string
	Stage                    string
	RouteSelectionExpression string           // such as $request.body.event
	Routes                   map[string]Route // by route key
	DefaultRouteSettings     Throttle         // of routes without a Throttle
}

// Service holds APIs and the connections of their clients. It is safe for concurrent use.
type Service struct {
	opts   Options
	ctx    context.Context // ends when the service closes
	cancel context.CancelFunc
	bodies sync.Pool // *bytes.Buffer, for posts
	conns  sync.Map  // connection ID → *conn, of connections that can be posted to

	running sync.WaitGroup // connections and invocations
	mu      sync.RWMutex
	apis    map[string]*api
	closed  bool
}

// New returns a Service without APIs.
func New(opts Options) *Service {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.NewID == nil {
		opts.NewID = newConnectionID
	}
	opts.Idle = cmp.Or(opts.Idle, 10*time.Minute)
	opts.Life = cmp.Or(opts.Life, 2*time.Hour)
	opts.IntegrationTimeout = cmp.Or(opts.IntegrationTimeout, 29*time.Second)
	opts.SendBuffer = cmp.Or(opts.SendBuffer, 512<<10)
	s := &Service{opts: opts, apis: make(map[string]*api)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.bodies.New = newBody
	opts.Faults.OnCut(s.cut)
	return s
}

// Create adds an API. The error names the property that API Gateway would refuse or that is not
// supported here.
func (s *Service) Create(spec API) error {
	if spec.ID == "" || spec.Stage == "" {
		return errors.New("gateway: an API needs an id and a stage")
	}
	a, err := newAPI(s, spec)
	if err != nil {
		return fmt.Errorf("gateway: API %s: %w", spec.ID, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.apis[spec.ID] != nil {
		return fmt.Errorf("gateway: API %s exists already", spec.ID)
	}
	s.apis[spec.ID] = a
	return nil
}

// Close closes all connections with 1001, ends running invocations and waits for both. It gives
// clients a second to close their side. No $disconnect is invoked, since the functions are ending
// as well.
func (s *Service) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	for _, c := range s.conns.Range {
		c.(*conn).close(ws.StatusGoingAway, goingAway)
	}
	s.cancel()
	s.running.Wait()
}

// begin adds one to what Close waits for. The caller must call running.Done. begin reports false,
// and adds nothing, if the service is closed.
func (s *Service) begin() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.closed {
		s.running.Add(1)
	}
	return !s.closed
}

// isClosed reports whether Close was called.
func (s *Service) isClosed() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.closed
}

// api returns the API with the ID, or nil.
func (s *Service) api(id string) *api {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.apis[id]
}

// count counts a message of n bytes: one unit for each 32 KB or part of it.
func (s *Service) count(n int, by meter.By) {
	s.opts.Meter.Add(meter.SocketMessages, by, float64(max(1, (n+maxFrame-1)/maxFrame)))
}
