package membership

// What is assumed of the checks queue, which another package names the delay of.
const (
	BelowCheckDelay = checkDelay
	AboveCheckDelay = announceWithin
)
