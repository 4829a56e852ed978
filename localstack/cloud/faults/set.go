package faults

import (
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Set is the faults that are set. The zero value and nil have none and are ready to use. A Set is
// safe for concurrent use.
type Set struct {
	faults atomic.Pointer[[]*active] // replaced, never changed

	mu      sync.Mutex
	last    int // id
	cutters []Cutter
}

// Cutter closes the connections for whose IDs strike reports true. It asks in the order in which
// they were opened.
type Cutter func(strike func(connection string) bool)

// active is a fault that is set.
type active struct {
	Fault
	id, index int
	seed      uint64

	mu         sync.Mutex
	random     *rand.Rand
	seen, hits int
}

// Place is where a fault could strike. Fields that do not apply are empty.
type Place struct{ Service, Operation, Function, Connection string }

// Hit is a fault that strikes.
type Hit struct {
	Fault
	Wait time.Duration // the fault's delay; of Reorder, a random part of it
}

// Add sets the faults of an order in addition to those that are set. Faults of kind Cut strike at
// once.
func (s *Set) Add(o Order) {
	seed := rand.Uint64() >> 11 // an integer that JSON keeps exact in every language
	if o.Seed != nil {
		seed = *o.Seed
	}
	s.mu.Lock()
	faults := s.active()
	faults = faults[:len(faults):len(faults)]
	added := len(faults)
	for i, f := range o.Faults {
		if f.Do == RepeatMessage && f.Operation == "" {
			f.Operation = "DeleteMessage" // a message in flight is repeated only on request
		}
		s.last++
		faults = append(faults, &active{
			Fault:  f,
			id:     s.last,
			index:  i,
			seed:   seed,
			random: rand.New(rand.NewPCG(seed, uint64(i))),
		})
	}
	s.faults.Store(&faults)
	cutters := s.cutters
	s.mu.Unlock()
	for _, a := range faults[added:] {
		if a.Do != Cut {
			continue
		}
		for _, cut := range cutters {
			cut(func(connection string) bool {
				_, strikes := a.strike(Place{Connection: connection})
				return strikes
			})
		}
	}
}

// Clear removes all faults. Calls that are being delayed stay delayed.
func (s *Set) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.Store(nil)
}

// OnCut registers a function that closes connections. A nil Set never calls it.
func (s *Set) OnCut(c Cutter) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cutters = append(s.cutters, c)
}

// Strike reports whether a fault of the kind strikes here and now. If several match, the first to
// strike wins, in the order in which they were set. Those after it do not count this as an
// occasion.
func (s *Set) Strike(do Kind, at Place) (Hit, bool) {
	for _, a := range s.active() {
		if a.Do != do {
			continue
		}
		if hit, ok := a.strike(at); ok {
			return hit, true
		}
	}
	return Hit{}, false
}

func (s *Set) active() []*active {
	if s == nil {
		return nil
	}
	if all := s.faults.Load(); all != nil {
		return *all
	}
	return nil
}

// strike decides whether the fault strikes at a place. If the place matches, this is an occasion.
func (a *active) strike(at Place) (Hit, bool) {
	if !a.matches(at) {
		return Hit{}, false
	}
	return a.decide()
}

// decide decides whether the fault strikes on this occasion. Unless its Count is used up, it draws
// two numbers, whatever the outcome.
func (a *active) decide() (Hit, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.Count > 0 && a.hits == a.Count {
		return Hit{}, false
	}
	a.seen++
	chance, part := a.random.Float64(), a.random.Float64()
	if a.Rate > 0 && chance >= a.Rate {
		return Hit{}, false
	}
	a.hits++
	hit := Hit{Fault: a.Fault, Wait: time.Duration(a.Delay)}
	if a.Do == Reorder {
		hit.Wait = time.Duration(part * float64(a.Delay))
	}
	return hit, true
}

func (a *active) matches(at Place) bool {
	return (a.Service == at.Service || a.Service == "" && at.Service != Lambda) &&
		(a.Operation == "" || a.Operation == at.Operation) &&
		(a.Connection == "" || a.Connection == at.Connection) &&
		(a.Function == "" || a.Function == at.Function ||
			strings.HasSuffix(at.Function, "-"+a.Function))
}
