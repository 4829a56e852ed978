package meter

// Price is the price of Per units.
type Price struct {
	USD  float64 `json:"usd"`
	Per  float64 `json:"per"`
	Item string  `json:"item"` // in AWS's words
}

// PriceList is the prices of AWS in a Region on a day. Units that are not in it are not billed by
// themselves.
type PriceList struct {
	Date   string         `json:"date"`
	Region string         `json:"region"`
	Table  map[Unit]Price `json:"table"`
}

const (
	million  = 1e6
	gigabyte = 1 << 30
)

// Prices returns the one table of prices (docs/aws.md §D and §E, which say how certain each is):
// those of the first tier, without the free tier. Alarms, storage and the polls of idle queues are
// not in it, since no call uses them up; a test of the template covers the idle bill.
func Prices() PriceList {
	return PriceList{Date: "2026-11-24", Region: "us-east-1", Table: map[Unit]Price{
		SocketMessages: {1.00, million, "WebSocket messages"},
		SocketMinutes:  {0.25, million, "WebSocket connection minutes"},
		SocketBytes: {
			0.085, gigabyte, "data transfer from CloudFront, through which clients come",
		},
		FunctionRequests: {0.20, million, "requests"},
		URLBytes:         {0.09, gigabyte, "data transfer to the internet"},
		LogBytes:         {0.50, gigabyte, "log data ingested"},
		ReadUnits:        {0.125, million, "read request units on demand"},
		WriteUnits:       {0.625, million, "write request units on demand"},
		QueueRequests:    {0.40, million, "requests of standard queues"},
		FIFORequests:     {0.10, million, "what a request costs more on FIFO queues"},
		BusEvents:        {1.00, million, "custom events published"},
		EdgeRequests:     {1.00, million, "HTTPS requests"},
		EdgeFunctions:    {0.10, million, "CloudFront Functions invocations"},
	}}
}

// cost returns the price of what was counted: by service, and the total.
func (p PriceList) cost(lines []Line) map[string]float64 {
	usd := map[string]float64{"total": 0}
	for _, l := range lines {
		price, ok := p.Table[l.Unit]
		if !ok {
			continue
		}
		usd[l.Service] += l.N * price.USD / price.Per
		usd["total"] += l.N * price.USD / price.Per
	}
	return usd
}

// Assumption is what the duration of functions would cost if they took the assumed time on AWS. It
// is not part of the cost, since the real time is not known here.
type Assumption struct {
	Date      string             `json:"date"`
	Millis    map[string]float64 `json:"milliseconds"` // for a request, by its cause
	GBSecond  float64            `json:"usd_per_gb_second"`
	GBSeconds float64            `json:"gb_seconds"`
	USD       float64            `json:"usd"`
}

// The causes of a function's request: By.Operation of the units of functions.
const (
	Invoke      = "Invoke" // by the API, or by a route of API Gateway
	Event       = "Event"  // by a schedule or an asynchronous call
	FunctionURL = "FunctionURL"
	Queue       = "SQS"
)

// assume multiplies the memory of the requests by the assumed time. The times are guesses for
// arm64, warm: the number of calls that a function makes in sequence, at some 4 ms each. None was
// measured on AWS.
func assume(lines []Line) Assumption {
	a := Assumption{
		Date:     "2026-11-25",
		Millis:   map[string]float64{Invoke: 15, FunctionURL: 15, Queue: 40, Event: 100},
		GBSecond: 0.0000133334,
	}
	for _, l := range lines {
		if l.Unit == FunctionMemory {
			a.GBSeconds += l.N / 1024 * a.Millis[l.Operation] / 1000
		}
	}
	a.USD = a.GBSeconds * a.GBSecond
	return a
}
