package meter

import (
	"encoding/json"
	"net/http"
)

// ServeHTTP answers GET with what was counted so far: {"units": {"lambda.requests": 12, ...}}. Units that were never
// counted are absent.
func (m *Meter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "The meter is only read.", http.StatusMethodNotAllowed)
		return
	}
	units := m.Snapshot()
	if units == nil {
		units = map[Unit]float64{}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"units": units}) // fails only if the reader has gone
}
