package meter

import (
	"encoding/json"
	"net/http"
)

// Report is what ServeHTTP answers.
type Report struct {
	Units   map[Unit]float64   `json:"units"` // totals; without units that were not counted
	By      []Line             `json:"by"`
	Prices  PriceList          `json:"prices"`
	USD     map[string]float64 `json:"usd"` // by service, and the total
	Assumed Assumption         `json:"assumed"`
}

// Report returns what was counted so far, and its price.
func (m *Meter) Report() Report {
	lines := m.Lines()
	if lines == nil {
		lines = []Line{} // so that JSON has a list
	}
	prices := Prices()
	return Report{
		Units:   totals(lines),
		By:      lines,
		Prices:  prices,
		USD:     prices.cost(lines),
		Assumed: assume(lines),
	}
}

// ServeHTTP answers GET with the report.
func (m *Meter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "The meter is only read.", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(m.Report()) // an error means that the client has gone
}
