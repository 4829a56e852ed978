// Package queue carries messages over the stack's FIFO queues: Broadcasts, Checks and Deliveries send them; Consume, ConsumeChecks and
// Deliveries.Consume hand what comes out to whoever works on it, and Refused.Consume what apps sent to be published. It is an adapter: it
// keeps what belongs together in order, has what failed come again, and decides nothing else (design.md §5).
package queue
