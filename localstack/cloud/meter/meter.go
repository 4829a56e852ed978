package meter

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// Unit is a unit that AWS counts for a bill. Its name begins with the service and a point.
type Unit string

// The units. Read and write units are DynamoDB's request units on demand. Messages are those of API
// Gateway, in both directions and in steps of 32 KB. Queue requests are SQS API calls in steps of
// 64 KB, without the empty receives of idle pollers. Bytes out are those of frames, with their
// headers, and of the bodies of function URLs.
const (
	FunctionRequests Unit = "lambda.requests"
	FunctionMillis   Unit = "lambda.billed_ms" // of this machine, not of AWS
	FunctionMemory   Unit = "lambda.memory_mb" // of each request, added up
	URLRequests      Unit = "lambda.url_requests"
	URLBytes         Unit = "lambda.url_bytes_out"
	LogBytes         Unit = "logs.bytes"
	ReadUnits        Unit = "dynamodb.read_units"
	WriteUnits       Unit = "dynamodb.write_units"
	QueueRequests    Unit = "sqs.requests"
	FIFORequests     Unit = "sqs.fifo_requests" // those of QueueRequests that were to FIFO queues
	EmptyReceives    Unit = "sqs.empty_receives"
	BusEvents        Unit = "eventbridge.events" // custom ones, in steps of 64 KB
	SocketMessages   Unit = "apigateway.messages"
	SocketMinutes    Unit = "apigateway.connection_minutes"
	SocketBytes      Unit = "apigateway.bytes_out"
	// answers to clients that are API Gateway's own error JSON
	OwnErrors     Unit = "apigateway.own_errors"
	EdgeRequests  Unit = "cloudfront.requests"
	EdgeFunctions Unit = "cloudfront.function_invocations"
)

// By says for which function and operation a unit was used.
type By struct {
	Function  string // that made the call, ran or printed; empty for calls from outside
	Operation string // of the service's API, a route's key, or the cause of an invocation
}

// Meter adds up units. The zero value is ready to use; a nil Meter counts nothing. A Meter is safe
// for concurrent use.
type Meter struct {
	mu  sync.Mutex
	sum map[entry]*float64
}

// entry is the key of a sum.
type entry struct {
	unit Unit
	by   By
}

// Add counts n units.
func (m *Meter) Add(u Unit, by By, n float64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e := entry{u, by}
	sum := m.sum[e]
	if sum == nil {
		if m.sum == nil {
			m.sum = make(map[entry]*float64)
		}
		sum = new(float64)
		m.sum[e] = sum
	}
	*sum += n
}

// Snapshot returns the totals so far; nil if nothing was counted.
func (m *Meter) Snapshot() map[Unit]float64 {
	lines := m.Lines()
	if lines == nil {
		return nil
	}
	return totals(lines)
}

func totals(lines []Line) map[Unit]float64 {
	sum := make(map[Unit]float64)
	for _, l := range lines {
		sum[l.Unit] += l.N
	}
	return sum
}

// Line is how much of a unit one operation of one function has used.
type Line struct {
	Service   string  `json:"service"`
	Unit      Unit    `json:"unit"`
	Function  string  `json:"function"`
	Operation string  `json:"operation"`
	N         float64 `json:"n"`
}

// Lines returns all sums so far, sorted by unit, function and operation; nil if nothing was
// counted.
func (m *Meter) Lines() []Line {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var lines []Line
	for e, n := range m.sum {
		if *n != 0 { // zero if all of it was subtracted again
			lines = append(lines, Line{e.unit.service(), e.unit, e.by.Function, e.by.Operation, *n})
		}
	}
	slices.SortFunc(lines, func(a, b Line) int {
		return cmp.Or(
			cmp.Compare(a.Unit, b.Unit),
			cmp.Compare(a.Function, b.Function),
			cmp.Compare(a.Operation, b.Operation),
		)
	})
	return lines
}

func (u Unit) service() string {
	service, _, _ := strings.Cut(string(u), ".")
	return service
}
