package meter

import (
	"maps"
	"sync"
)

// Unit is one kind of thing that AWS counts on a bill.
type Unit string

// What is counted. Read and write units are DynamoDB's request units on demand; messages are API Gateway's, in steps of
// 32 KB, both ways; queue requests are SQS API calls in steps of 64 KB, without the empty receives of idle pollers.
const (
	FunctionRequests Unit = "lambda.requests"
	FunctionMillis   Unit = "lambda.billed_ms" // of this machine, not of AWS
	URLRequests      Unit = "lambda.url_requests"
	LogBytes         Unit = "logs.bytes"
	ReadUnits        Unit = "dynamodb.read_units"
	WriteUnits       Unit = "dynamodb.write_units"
	QueueRequests    Unit = "sqs.requests"
	EmptyReceives    Unit = "sqs.empty_receives"
	SocketMessages   Unit = "apigateway.messages"
	SocketMinutes    Unit = "apigateway.connection_minutes"
	EdgeRequests     Unit = "cloudfront.requests"
	EdgeFunctions    Unit = "cloudfront.function_invocations"
)

// Meter adds up units. The zero value is ready; a nil Meter counts nothing. It is safe for concurrent use.
type Meter struct {
	mu  sync.Mutex
	sum map[Unit]float64
}

// Add counts n more of the unit.
func (m *Meter) Add(u Unit, n float64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sum == nil {
		m.sum = make(map[Unit]float64)
	}
	m.sum[u] += n
}

// Snapshot returns a copy of all that was counted so far.
func (m *Meter) Snapshot() map[Unit]float64 {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.sum)
}
