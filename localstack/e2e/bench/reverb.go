package main

// Figures of Laravel Reverb 1.10.2 for comparison: PHP with ext-uv, one process, with the load tool
// on the same two cores, measured in November 2026. Reverb has its sockets in the process that
// publishes. Hark's are API Gateway's, and an event passes six emulated services and one HTTP
// request for each delivery. So the figures show the cost of that on a laptop, not on AWS.
const (
	reverbDialP50  = 0.43 // ms
	reverbDialRate = 200  // connections a second
)

// reverbLatency returns p50 and p99 from publish to delivery, in milliseconds.
func reverbLatency(subscribers int) [2]float64 {
	switch subscribers {
	case 1:
		return [2]float64{0.88, 1.22}
	case 100:
		return [2]float64{2.7, 4.1}
	default:
		return [2]float64{}
	}
}

// reverbThroughput returns deliveries a second.
func reverbThroughput(subscribers int) int {
	switch subscribers {
	case 100:
		return 112_000
	case 1000:
		return 115_000
	default:
		return 0
	}
}
