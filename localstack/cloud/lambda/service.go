package lambda

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/iam"
	"hark/localstack/cloud/meter"
)

// Options configure a Service. Region and Account are required; the others have useful zero values.
type Options struct {
	Region, Account string

	Meter *meter.Meter // counts requests, milliseconds and log bytes; nothing is counted if nil
	// the time shown in events; time.Now if nil. Timeouts always run on the machine's clock
	Now func() time.Time
	Log *slog.Logger // what the service itself has to say; discarded if nil

	// Stderr gets the functions' output, each line prefixed with its function. Shown are warnings
	// and errors (JSON lines of level WARN or above) and the last lines before a crash, or every
	// line if Verbose. Discarded if nil.
	Stderr  io.Writer
	Verbose bool

	// Queues is the SQS that event source mappings read from. Map fails if nil.
	Queues Queues

	// Env returns what a process's environment has besides the template's variables, over which it
	// wins: credentials of the role, endpoints. It is called for each process, so credentials may
	// identify the process. Each entry is "name=value". May be nil.
	Env func(function string, role *iam.Role, process faults.Process) []string

	// Faults slow, refuse and repeat invocations. No faults if nil.
	Faults *faults.Set

	// MaxProcesses is the most processes of one function; further invocations wait in its queue. 10
	// if 0.
	MaxProcesses int

	// RetryDelays are the pauses before a failed asynchronous invocation is retried. One minute and
	// two minutes if nil, as on AWS.
	RetryDelays []time.Duration

	// Speed divides the periods of schedules: with 60 each minute takes a second. 1 if 0.
	Speed float64
}

// Service is the Lambda of one account in one Region. It is safe for concurrent use.
type Service struct {
	opts    Options
	console console

	ctx    context.Context // ends at Close; the parent of everything in the background
	cancel context.CancelFunc
	wg     sync.WaitGroup // everything in the background

	mu         sync.Mutex
	started    bool
	closed     bool
	untilStart []func()             // pollers and schedules that wait for Start
	functions  map[string]*function // by name
	urls       map[string]*urlHandler
}

// New returns a Service without functions. Before Start it runs only what is invoked directly.
func New(o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Stderr == nil {
		o.Stderr = io.Discard
	}
	if o.MaxProcesses == 0 {
		o.MaxProcesses = 10
	}
	if o.RetryDelays == nil {
		o.RetryDelays = []time.Duration{time.Minute, 2 * time.Minute}
	}
	if o.Speed == 0 {
		o.Speed = 1
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Service{
		opts:      o,
		console:   console{w: o.Stderr},
		ctx:       ctx,
		cancel:    cancel,
		functions: make(map[string]*function),
		urls:      make(map[string]*urlHandler),
	}
}

// Create adds a function. Its first process starts with its first invocation. The error names a
// property that is not supported, or a binary that cannot be run.
func (s *Service) Create(spec FunctionSpec) error {
	if err := spec.check(); err != nil {
		return fmt.Errorf("function %s: %w", spec.FunctionName, err)
	}
	if info, err := os.Stat(spec.Binary); err != nil {
		return fmt.Errorf("function %s: %w", spec.FunctionName, err)
	} else if info.IsDir() || info.Mode()&0o111 == 0 {
		return fmt.Errorf("function %s: %s is not executable", spec.FunctionName, spec.Binary)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.functions[spec.FunctionName] != nil {
		return conflict(s.arn(spec.FunctionName))
	}
	s.functions[spec.FunctionName] = newFunction(s, spec)
	return nil
}

// Start begins to poll queues and to run schedules.
func (s *Service) Start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started || s.closed {
		return
	}
	s.started = true
	for _, f := range s.untilStart {
		s.wg.Go(f)
	}
	s.untilStart = nil
}

// Close stops polling and schedules, ends every process (SIGTERM, and SIGKILL half a second later)
// and waits for them. Invocations that wait or run fail with ErrClosed or as crashed. Calling it
// again does nothing.
func (s *Service) Close() {
	s.mu.Lock()
	s.closed = true
	functions := slices.Collect(maps.Values(s.functions))
	s.mu.Unlock()

	s.cancel()
	for _, f := range functions {
		f.close()
	}
	s.wg.Wait()
}

// background runs f from Start until Close, which waits for it. f must return when the service's
// context ends.
func (s *Service) background(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
	case s.started:
		s.wg.Go(f)
	default:
		s.untilStart = append(s.untilStart, f)
	}
}

// spawn runs f in a goroutine that Close waits for. It reports false, and does not run f, if the
// service is closed.
func (s *Service) spawn(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.wg.Go(f)
	return true
}

// function finds a function by its name or ARN, whole or partial, with or without the qualifier
// $LATEST.
func (s *Service) function(id string) (*function, error) {
	name := id
	switch parts := strings.Split(id, ":"); {
	case strings.HasPrefix(id, "arn:") && len(parts) >= 7:
		// arn:aws:lambda:region:account:function:name[:qualifier]
		name = strings.Join(parts[6:], ":")
	case len(parts) >= 3 && parts[1] == "function":
		// account:function:name[:qualifier]
		name = strings.Join(parts[2:], ":")
	}
	name = strings.TrimSuffix(name, ":"+latest)
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.functions[name]; f != nil {
		return f, nil
	}
	return nil, notFound(s.arn(name))
}

func (s *Service) arn(name string) string {
	return "arn:aws:lambda:" + s.opts.Region + ":" + s.opts.Account + ":function:" + name
}
