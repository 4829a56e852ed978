// Package membership decides who is subscribed to what, while frames of one connection run concurrently and in any order,
// functions die between any two steps, and the end of a connection may be told twice, early or never.
//
// Its steps and their conditions are those of model.md §3, which were model-checked; the obvious ones are wrong. Each
// function here names its rows as that page does: C is the connection, S the subscription, K the marker that lists an
// occupied channel. The one idea behind all of them: each side writes its own row first and then reads the other's, so
// that of two that race at least one sees the other.
//
// What a step does to a row, and on which condition, is said by Store and done by the dynamo adapter. What a client is told
// is the socket package's business. Start at subscribe.go.
package membership
