package meter_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hark/localstack/meter"
)

func TestMeterAddsUp(t *testing.T) {
	var m meter.Meter
	m.Add(meter.ReadUnits, 0.5)
	m.Add(meter.ReadUnits, 1)
	m.Add(meter.FunctionRequests, 1)
	want := map[meter.Unit]float64{meter.ReadUnits: 1.5, meter.FunctionRequests: 1}
	if diff := cmp.Diff(want, m.Snapshot()); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
}

func TestASnapshotStaysAsItIs(t *testing.T) {
	var m meter.Meter
	m.Add(meter.WriteUnits, 1)
	before := m.Snapshot()
	m.Add(meter.WriteUnits, 1)
	if before[meter.WriteUnits] != 1 {
		t.Errorf("the snapshot moved to %v", before[meter.WriteUnits])
	}
}

func TestANilMeterCountsNothing(t *testing.T) {
	var m *meter.Meter
	m.Add(meter.WriteUnits, 1)
	if got := m.Snapshot(); len(got) != 0 {
		t.Errorf("counted %v", got)
	}
}

func TestManyMayCountAtOnce(t *testing.T) {
	var m meter.Meter
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for range 100 {
				m.Add(meter.SocketMessages, 1)
				m.Snapshot()
			}
		})
	}
	wg.Wait()
	if got := m.Snapshot()[meter.SocketMessages]; got != 5000 {
		t.Errorf("counted %v, want 5000", got)
	}
}

func TestReadingOverHTTP(t *testing.T) {
	var counted meter.Meter
	counted.Add(meter.QueueRequests, 2)
	for _, tt := range []struct {
		name, method string
		meter        *meter.Meter
		status       int
		want         map[string]float64
	}{
		{"GET shows the units", http.MethodGet, &counted, http.StatusOK, map[string]float64{"sqs.requests": 2}},
		{"nothing counted is an empty object", http.MethodGet, new(meter.Meter), http.StatusOK, map[string]float64{}},
		{"a nil meter too", http.MethodGet, nil, http.StatusOK, map[string]float64{}},
		{"the meter cannot be written", http.MethodPost, &counted, http.StatusMethodNotAllowed, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			tt.meter.ServeHTTP(w, httptest.NewRequest(tt.method, "/_hark/meter", nil))
			if w.Code != tt.status {
				t.Fatalf("status %d, want %d", w.Code, tt.status)
			}
			if tt.want == nil {
				return
			}
			var got struct{ Units map[string]float64 }
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got.Units); diff != "" {
				t.Errorf("units (-want +got):\n%s", diff)
			}
		})
	}
}
