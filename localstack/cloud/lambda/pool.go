package lambda

import (
	"container/list"
	"math"
	"slices"
	"sync"
	"time"

	"hark/localstack/cloud/meter"
)

// function is a deployed function: invocations that wait in line, and processes that take from it.
// A process has at most one invocation. The most recently idle one is used first; a new one starts
// when none is idle.
type function struct {
	service *Service
	spec    FunctionSpec
	arn     string
	created time.Time

	mu        sync.Mutex
	closed    bool
	inHand    int       // invocations accepted and not ended, for reserved concurrency
	queue     list.List // of *invocation: those that no process has taken
	processes []*process
	starting  int        // how many of them have not asked for an invocation yet
	idle      []*process // those that wait for an invocation, the most recently idle last
}

func newFunction(s *Service, spec FunctionSpec) *function {
	return &function{service: s, spec: spec, arn: s.arn(spec.FunctionName), created: s.opts.Now()}
}

// submit hands inv to an idle process, or puts it in line and starts a process for it.
func (f *function) submit(inv *invocation) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return ErrClosed
	}
	if reserved := f.spec.ReservedConcurrentExecutions; reserved != nil && f.inHand >= *reserved {
		return throttled()
	}
	f.inHand++
	if last := len(f.idle) - 1; last >= 0 {
		p := f.idle[last]
		f.idle = f.idle[:last]
		p.current = inv
		p.work <- inv
		return nil
	}
	inv.waiting = f.queue.PushBack(inv)
	f.grow()
	return nil
}

// abandon takes inv out of the line if its caller has gone before a process took it.
func (f *function) abandon(inv *invocation) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if inv.waiting != nil {
		f.dequeue(inv)
		f.inHand--
	}
}

// grow starts a process for every waiting invocation that has none starting for it, within the
// limit. An invocation goes to whichever process is ready first.
func (f *function) grow() {
	for !f.closed && f.starting < f.queue.Len() && len(f.processes) < f.service.opts.MaxProcesses {
		p := newProcess(f)
		if !f.service.spawn(p.run) {
			return
		}
		f.processes = append(f.processes, p)
		f.starting++
	}
}

func (f *function) dequeue(inv *invocation) {
	f.queue.Remove(inv.waiting)
	inv.waiting = nil
}

// ready is called when p asks for an invocation, which ends the one it had. It returns the next in
// line; or nil, and then p is idle until there is something in p.work, or it ends.
func (f *function) ready(p *process) *invocation {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p.ctx.Err() != nil { // it asks with its last breath
		return nil
	}
	f.end(p, func(id string) Result {
		return exitFailure(id, "Runtime asked for an invocation before it had answered the last")
	})
	if !p.ready {
		p.ready = true
		p.unbilled = time.Since(p.started)
		f.starting--
	}
	if front := f.queue.Front(); front != nil {
		inv := front.Value.(*invocation)
		f.dequeue(inv)
		p.current = inv
		return inv
	}
	if !slices.Contains(f.idle, p) { // it may ask twice
		f.idle = append(f.idle, p)
	}
	return nil
}

// begin starts the clock of the invocation that p is about to be given.
func (f *function) begin(p *process, inv *invocation) (deadline time.Time) {
	f.count(meter.FunctionRequests, inv.cause, 1)
	f.count(meter.FunctionMemory, inv.cause, float64(f.spec.MemorySize))
	p.output.begin()
	p.victim.begin()
	f.mu.Lock()
	defer f.mu.Unlock()
	inv.began = time.Now()
	inv.timeout = time.AfterFunc(f.spec.timeout(), func() { f.expire(p, inv) })
	return inv.began.Add(f.spec.timeout())
}

// count adds to the function's bill.
func (f *function) count(u meter.Unit, operation string, n float64) {
	f.service.opts.Meter.Add(u, meter.By{Function: f.spec.FunctionName, Operation: operation}, n)
}

// expire ends the process whose invocation has run out of time, be it answered or not.
func (f *function) expire(p *process, inv *invocation) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p.current == inv {
		p.kill(errTimeout)
	}
}

// answer gives the caller the result that p posted for its invocation. It reports false if id is
// not that invocation, or has a result.
func (f *function) answer(p *process, id string, r Result) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	inv := p.current
	if inv == nil || inv.id != id || inv.answered {
		return false
	}
	inv.answered = true
	inv.done <- r
	return true
}

// wantsTail reports whether the caller of p's invocation asked for its log.
func (f *function) wantsTail(p *process) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return p.current != nil && p.current.tail
}

// initFailed keeps the error with which p gives up, and ends p. It reports false if p is ready
// already.
func (f *function) initFailed(p *process, payload []byte) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p.ready {
		return false
	}
	p.initErr = payload
	p.kill(errInit)
	return true
}

// end closes p's invocation, if it has one, and bills it: in whole milliseconds, its process's
// start included. An invocation that has no result yet gets the one that fail words.
func (f *function) end(p *process, fail func(id string) Result) {
	inv := p.current
	if inv == nil {
		return
	}
	p.current = nil
	f.inHand--
	if inv.timeout != nil {
		inv.timeout.Stop()
		took := time.Since(inv.began) + p.unbilled
		p.unbilled = 0
		f.count(meter.FunctionMillis, inv.cause, math.Ceil(float64(took)/float64(time.Millisecond)))
	}
	if !inv.answered {
		inv.answered = true
		r := fail(inv.id)
		if inv.tail {
			r.log = p.output.last()
		}
		inv.done <- r
	}
}

// exited forgets a process that has ended. Its invocation fails with it. If it never became ready,
// the invocation that has waited longest fails, so that a function that cannot start does not try
// for ever. Others get a new process.
func (f *function) exited(p *process, fail func(id string) Result) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.processes = slices.DeleteFunc(f.processes, func(q *process) bool { return q == p })
	f.idle = slices.DeleteFunc(f.idle, func(q *process) bool { return q == p })
	if !p.ready {
		f.starting--
		if front := f.queue.Front(); front != nil {
			inv := front.Value.(*invocation)
			f.dequeue(inv)
			p.current = inv
		}
	}
	f.end(p, fail)
	f.grow()
}

// close refuses new invocations, fails those in line and lets the processes end by the service's
// context.
func (f *function) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for front := f.queue.Front(); front != nil; front = f.queue.Front() {
		inv := front.Value.(*invocation)
		f.dequeue(inv)
		f.inHand--
		inv.answered = true
		close(inv.done)
	}
}
