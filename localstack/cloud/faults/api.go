package faults

import (
	"encoding/json"
	"io"
	"net/http"
)

// maxOrder is the most bytes of an order.
const maxOrder = 1 << 20

// report is a fault in the list that is answered.
type report struct {
	ID    int    `json:"id"`
	Seed  uint64 `json:"seed"`
	Index int    `json:"index"` // its place in its order
	Fault
	Seen int `json:"seen"` // how many occasions it had
	Hits int `json:"hits"` // how often it struck
}

// ServeHTTP sets the faults of the order in the body on POST, lists them on GET, and removes all on
// DELETE. Each answers {"faults": [...]} with all faults that are then set. An invalid order sets
// nothing and is answered 400 with a message.
func (s *Set) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodDelete:
		s.Clear()
	case http.MethodPost:
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxOrder))
		if err != nil {
			answer(w, http.StatusBadRequest, map[string]string{"message": err.Error()})
			return
		}
		order, err := Parse(body)
		if err != nil {
			answer(w, http.StatusBadRequest, map[string]string{"message": err.Error()})
			return
		}
		s.Add(order)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST, DELETE")
		answer(
			w, http.StatusMethodNotAllowed,
			map[string]string{"message": "Faults are set, listed and deleted."},
		)
		return
	}
	answer(w, http.StatusOK, map[string][]report{"faults": s.list()})
}

func (s *Set) list() []report {
	list := []report{}
	for _, a := range s.active() {
		a.mu.Lock()
		list = append(list, report{
			ID: a.id, Seed: a.seed, Index: a.index, Fault: a.Fault, Seen: a.seen, Hits: a.hits,
		})
		a.mu.Unlock()
	}
	return list
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // an error means that the client has gone
}
