package meter_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"hark/localstack/cloud/meter"
)

func TestAMeterAddsUnitsUp(t *testing.T) {
	var m meter.Meter
	m.Add(meter.ReadUnits, meter.By{Function: "a"}, 0.5)
	m.Add(meter.ReadUnits, meter.By{Function: "b"}, 1)
	m.Add(meter.FunctionRequests, meter.By{}, 1)
	want := map[meter.Unit]float64{meter.ReadUnits: 1.5, meter.FunctionRequests: 1}
	if diff := cmp.Diff(want, m.Snapshot()); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
}

func TestUnitsAreCountedByFunctionAndOperation(t *testing.T) {
	var m meter.Meter
	if m.Lines() != nil {
		t.Errorf("it begins with %v", m.Lines())
	}
	for _, by := range []meter.By{
		{Function: "b", Operation: "Query"}, {}, {"b", "GetItem"}, {"a", "Query"}, {"b", "Query"},
	} {
		m.Add(meter.ReadUnits, by, 0.5)
	}
	m.Add(meter.LogBytes, meter.By{Function: "a"}, 100)
	m.Add(meter.LogBytes, meter.By{Function: "a"}, -10)
	want := []meter.Line{
		{"dynamodb", meter.ReadUnits, "", "", 0.5},
		{"dynamodb", meter.ReadUnits, "a", "Query", 0.5},
		{"dynamodb", meter.ReadUnits, "b", "GetItem", 0.5},
		{"dynamodb", meter.ReadUnits, "b", "Query", 1},
		{"logs", meter.LogBytes, "a", "", 90},
	}
	if diff := cmp.Diff(want, m.Lines()); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
}

// The prices are exactly those of the table. Times are assumed, and reported apart.
func TestTheReportPricesUnits(t *testing.T) {
	var m meter.Meter
	m.Add(meter.SocketMessages, meter.By{}, 3_000_000)
	m.Add(meter.WriteUnits, meter.By{Function: "message", Operation: "PutItem"}, 2_000_000)
	m.Add(meter.QueueRequests, meter.By{Function: "message"}, 4_000_000)
	m.Add(meter.FIFORequests, meter.By{Function: "message"}, 1_000_000) // of them
	m.Add(meter.URLBytes, meter.By{}, 1<<30)
	m.Add(meter.FunctionMillis, meter.By{Function: "message"}, 1e12) // of this machine
	m.Add(meter.FunctionRequests, meter.By{Function: "message", Operation: meter.Queue}, 1000)
	m.Add(meter.FunctionMemory, meter.By{Function: "message", Operation: meter.Queue}, 1000*512)
	r := m.Report()
	want := map[string]float64{
		"apigateway": 3, "dynamodb": 1.25, "sqs": 1.7, "lambda": 0.0902, "total": 6.0402,
	}
	near := cmpopts.EquateApprox(1e-9, 0)
	if diff := cmp.Diff(want, r.USD, near); diff != "" {
		t.Errorf("USD (-want +got):\n%s", diff)
	}
	if !cmp.Equal(r.Assumed.GBSeconds, 20.0, near) ||
		!cmp.Equal(r.Assumed.USD, 20*0.0000133334, near) {
		t.Errorf("assumed %+v", r.Assumed)
	}
	if r.Prices.Date == "" || r.Prices.Region != "us-east-1" || len(r.By) != 8 {
		t.Errorf("%+v", r)
	}
}

func TestASnapshotStaysAsItIs(t *testing.T) {
	var m meter.Meter
	m.Add(meter.WriteUnits, meter.By{}, 1)
	before := m.Snapshot()
	m.Add(meter.WriteUnits, meter.By{}, 1)
	if before[meter.WriteUnits] != 1 {
		t.Errorf("the snapshot moved to %v", before[meter.WriteUnits])
	}
}

func TestANilMeterCountsNothing(t *testing.T) {
	var m *meter.Meter
	m.Add(meter.WriteUnits, meter.By{}, 1)
	if got := m.Snapshot(); len(got) != 0 {
		t.Errorf("counted %v", got)
	}
}

func TestAMeterIsSafeForConcurrentUse(t *testing.T) {
	var m meter.Meter
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for range 100 {
				m.Add(meter.SocketMessages, meter.By{}, 1)
				m.Snapshot()
			}
		})
	}
	wg.Wait()
	if got := m.Snapshot()[meter.SocketMessages]; got != 5000 {
		t.Errorf("counted %v, want 5000", got)
	}
}

func TestTheReportIsReadOverHTTP(t *testing.T) {
	var counted meter.Meter
	counted.Add(meter.QueueRequests, meter.By{}, 2)
	for _, tt := range []struct {
		name, method string
		meter        *meter.Meter
		status       int
		want         map[string]float64
	}{
		{
			"GET shows the units", http.MethodGet, &counted, http.StatusOK,
			map[string]float64{"sqs.requests": 2},
		},
		{
			"nothing counted is an empty object", http.MethodGet, new(meter.Meter), http.StatusOK,
			map[string]float64{},
		},
		{"a nil meter too", http.MethodGet, nil, http.StatusOK, map[string]float64{}},
		{
			"the meter cannot be written", http.MethodPost, &counted, http.StatusMethodNotAllowed,
			nil,
		},
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
			var got struct {
				Units map[string]float64
				By    []meter.Line
			}
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got.Units); diff != "" {
				t.Errorf("units (-want +got):\n%s", diff)
			}
			if got.By == nil || len(got.By) != len(tt.want) {
				t.Errorf("by %v", got.By)
			}
		})
	}
}
