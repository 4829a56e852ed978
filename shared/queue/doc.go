// Package queue carries broadcasts over the FIFO queue: Broadcasts sends them, Consume hands a batch of them to whoever delivers.
// It is an adapter: it keeps one channel's events in order, and decides nothing else (design.md §5).
package queue
