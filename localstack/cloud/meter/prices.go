package meter

// Price is what so many of a unit cost.
type Price struct {
	USD  float64 `json:"usd"`
	Per  float64 `json:"per"`
	Item string  `json:"item"` // what AWS calls it
}

// PriceList is what AWS asks for in a Region on a day. Units that it does not have cost nothing by
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

// Prices is the one table of prices (docs/aws.md §D and §E, whose statuses say how sure each is):
// first tiers, without free ones. Whatever is not used up by a call (alarms, storage, the polls of
// idle queues) is not on it: the template's idle bill is a test of its own.
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

// cost prices what was counted: by service, and the total.
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

// Assumption is what functions would cost by time, if they took so long on AWS. It is not part of
// the cost: a laptop cannot know how long they take there.
type Assumption struct {
	Date      string             `json:"date"`
	Millis    map[string]float64 `json:"milliseconds"` // billed for a request, by what caused it
	GBSecond  float64            `json:"usd_per_gb_second"`
	GBSeconds float64            `json:"gb_seconds"`
	USD       float64            `json:"usd"`
}

// What causes a request of a function: By.Operation of the units of functions.
const (
	Invoke      = "Invoke" // by the API, or by a route of API Gateway
	Event       = "Event"  // by a schedule or an asynchronous call
	FunctionURL = "FunctionURL"
	Queue       = "SQS"
)

// assume multiplies the memory of the requests with the assumed time. The times are guesses for
// arm64, warm, from the number of calls that the functions make one after another at some 4 ms
// each; none was measured on AWS.
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
