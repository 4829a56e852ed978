package meter

import (
	"encoding/json"
	"net/http"
)

// Report is what ServeHTTP shows.
type Report struct {
	Units   map[Unit]float64   `json:"units"` // totals; units that were never counted are absent
	By      []Line             `json:"by"`
	Prices  PriceList          `json:"prices"`
	USD     map[string]float64 `json:"usd"` // by service, and the total
	Assumed Assumption         `json:"assumed"`
}

// Report returns what was counted so far, and what it costs.
func (m *Meter) Report() Report {
	lines := m.Lines()
	if lines == nil {
		lines = []Line{} // a list in JSON, too
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
	_ = json.NewEncoder(w).Encode(m.Report()) // fails only if the reader has gone
}
