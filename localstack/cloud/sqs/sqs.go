package sqs

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/iam"
	"hark/localstack/cloud/meter"
)

// Options configure a Service.
type Options struct {
	Region, Account string
	Endpoint        string // scheme://host:port; queue URLs are {Endpoint}/{Account}/{name}

	Meter *meter.Meter     // counts nothing if nil
	Now   func() time.Time // time.Now if nil; must keep the pace of real time, as the timers do
	Log   *slog.Logger     // slog.DiscardHandler if nil

	// Faults slow and refuse requests over HTTP, kill functions that send, and deliver messages
	// again. None if nil.
	Faults *faults.Set

	// Speed divides delays and visibility timeouts: at 60, each minute takes a second. It does not
	// change the attributes that queues report, long polls, retention or deduplication. 0 means 1.
	Speed float64
}

// Service is all queues of one account in one region. It is safe for concurrent use.
type Service struct {
	opts Options

	mu     sync.RWMutex
	queues map[string]*queue // by name
}

// New returns a service without queues.
func New(opts Options) *Service {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Speed == 0 {
		opts.Speed = 1
	}
	opts.Endpoint = strings.TrimSuffix(opts.Endpoint, "/")
	return &Service{opts: opts, queues: make(map[string]*queue)}
}

// Create adds the queue. It fails on a property that AWS would refuse. The dead-letter queue that
// the spec names may be created later.
func (s *Service) Create(spec QueueSpec) error {
	cfg, err := spec.settings()
	if err != nil {
		return fmt.Errorf("queue %q: %w", spec.QueueName, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queues[cfg.name] != nil {
		return fmt.Errorf("queue %q: exists already", cfg.name)
	}
	cfg.arn = s.arn(cfg.name)
	s.queues[cfg.name] = newQueue(cfg, &s.opts, s.deadLetterQueue)
	return nil
}

// deadLetterQueue returns the queue for the source's dead letters. If it does not exist, it returns
// nil and logs an error.
func (s *Service) deadLetterQueue(source settings) *queue {
	q := s.queue(nameOf(source.redrive.DeadLetterTargetARN))
	if q == nil || q.arn != source.redrive.DeadLetterTargetARN {
		s.opts.Log.Error("dead-letter queue does not exist, message stays",
			"queue", source.name, "deadLetterTargetArn", source.redrive.DeadLetterTargetARN)
		return nil
	}
	return q
}

func (s *Service) queue(name string) *queue {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.queues[name]
}

// names returns the names of the queues with the prefix, sorted.
func (s *Service) names(prefix string) []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var names []string
	for name := range s.queues {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (s *Service) arn(name string) string {
	return "arn:aws:sqs:" + s.opts.Region + ":" + s.opts.Account + ":" + name
}

func (s *Service) url(name string) string {
	return s.opts.Endpoint + "/" + s.opts.Account + "/" + name
}

func nameOf(arn string) string { return arn[strings.LastIndexByte(arn, ':')+1:] }

// open returns the queue with the ARN if the context's role may do the action. If the role may not,
// the answer is the same whether or not the queue exists.
func (s *Service) open(ctx context.Context, c *call, action, arn string) (*queue, error) {
	if err := iam.Check(ctx, "sqs:"+action, arn); err != nil {
		return nil, err
	}
	q := s.queue(nameOf(arn))
	if q == nil || q.arn != arn {
		return nil, errNoQueue()
	}
	c.fifo = q.fifo
	return q, nil
}

// openURL is open for a queue URL. Only the path counts: callers may know this endpoint by any host
// name, and AWS's own URLs work too.
func (s *Service) openURL(ctx context.Context, c *call, action, queueURL string) (*queue, error) {
	if queueURL == "" {
		return nil, errMissing("QueueUrl")
	}
	u, err := url.Parse(queueURL)
	if err != nil || u.Host == "" {
		return nil, errAddress(queueURL)
	}
	account, name, ok := strings.Cut(strings.Trim(u.Path, "/"), "/")
	if !ok || strings.Contains(name, "/") {
		return nil, errAddress(queueURL)
	}
	return s.open(ctx, c, action, "arn:aws:sqs:"+s.opts.Region+":"+account+":"+name)
}
