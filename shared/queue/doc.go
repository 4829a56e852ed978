// Package queue carries messages over the stack's FIFO queues: Broadcasts, Checks and Deliveries send them; Consume, ConsumeChecks and
// Deliveries.Consume hand what comes out to whoever works on it. Messages
// that others sent to be published are handed over by Refused, which is where those go that cannot be. It is an adapter: it keeps what belongs together in order, has what
// failed come again, and decides nothing else (design.md §5).
package queue
