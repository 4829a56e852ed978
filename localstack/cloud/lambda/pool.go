package lambda

import (
	"container/list"
	"math"
	"slices"
	"sync"
	"time"

	"hark/localstack/cloud/meter"
)

// function is a deployed function: its queue of invocations and its pool of processes. A process
// has at most one invocation. The process that became idle last is used first; if none is idle, a
// new one starts.
type function struct {
	service *Service
	spec    FunctionSpec
	arn     string
	created time.Time

	mu        sync.Mutex
	closed    bool
	inHand    int       // invocations that have not ended, for reserved concurrency
	queue     list.List // of *invocation that no process has yet
	processes []*process
	starting  int        // how many processes have not asked for an invocation yet
	idle      []*process // processes that wait for an invocation, the latest last
}

func newFunction(s *Service, spec FunctionSpec) *function {
	return &function{service: s, spec: spec, arn: s.arn(spec.FunctionName), created: s.opts.Now()}
}

// submit gives inv to an idle process. If there is none, it queues inv and starts a process.
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

// abandon removes inv from the queue after its caller has gone, if no process has it yet.
func (f *function) abandon(inv *invocation) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if inv.waiting != nil {
		f.dequeue(inv)
		f.inHand--
	}
}

// grow starts processes until there is one for every queued invocation, within MaxProcesses. An
// invocation goes to the process that is ready first.
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

// ready is called when p asks for an invocation, which ends the one it had. It returns the next one
// in the queue. If the queue is empty it returns nil; p is then idle, and gets its next invocation
// from p.work.
func (f *function) ready(p *process) *invocation {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p.ctx.Err() != nil { // it was killed and is about to end
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
	if !slices.Contains(f.idle, p) { // a process may ask twice
		f.idle = append(f.idle, p)
	}
	return nil
}

// begin starts the timeout of the invocation that p is about to get, and counts it.
func (f *function) begin(p *process, inv *invocation) (deadline time.Time) {
	f.count(meter.FunctionRequests, inv.cause, 1)
	f.count(meter.FunctionMemory, inv.cause, float64(f.spec.MemorySize))
	p.output.begin()
	p.killable.begin()
	f.mu.Lock()
	defer f.mu.Unlock()
	inv.began = time.Now()
	inv.timeout = time.AfterFunc(f.spec.timeout(), func() { f.expire(p, inv) })
	return inv.began.Add(f.spec.timeout())
}

// count adds to the meter in the function's name.
func (f *function) count(u meter.Unit, operation string, n float64) {
	f.service.opts.Meter.Add(u, meter.By{Function: f.spec.FunctionName, Operation: operation}, n)
}

// expire kills the process whose invocation has timed out, even if its result was posted already.
func (f *function) expire(p *process, inv *invocation) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p.current == inv {
		p.kill(errTimeout)
	}
}

// answer sends the result that p posted to the caller. It reports false if p has no invocation with
// this id, or its result was posted already.
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

// initFailed keeps the error that p posted before it was ready, and kills p. It reports false if p
// is ready already.
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

// end ends p's invocation, if it has one, and counts its time: in whole milliseconds, including the
// start of its process. An invocation without a result gets the one that fail returns.
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

// exited removes a process that has ended. Its invocation fails. If the process never became ready,
// the oldest invocation in the queue fails, so that a function that cannot start is not started
// forever. For the others new processes start.
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

// close refuses new invocations and fails those in the queue. The processes end with the service's
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
