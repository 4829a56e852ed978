// Package gateway is the local cloud's API Gateway for WebSocket APIs: it holds the clients'
// connections, invokes functions with what happens on them, and lets functions post to them through
// @connections. It follows docs/aws.md §A.
//
// Start at handshake.go and follow a connection: connection.go writes to it and ends it, read.go
// reads its frames, message.go invokes the function of a message's route, and management_api.go
// serves @connections.
//
// Where AWS documents nothing, or this package differs:
//
//   - Connection IDs are 11 random bytes in URL-safe base64. IDs of connections and of requests in
//     public logs (HXT_RfBnPHcCIIg=, R1kmxc2VNjMCFIA=) use that alphabet. An ID in the standard
//     alphabet counts as well-formed, too.
//   - The 410 of @connections has an empty body. The JavaScript SDK reports "410" as its message,
//     which it does only then.
//   - The status that a function returns for a message is ignored, as users report. A response
//     without a status is an integration failure.
//   - Pings are answered. They do not count as activity: only messages do, in both directions.
//   - A post of more than 32 KB goes out in several frames.
//   - A living connection is answered 410, a $disconnect is lost, and frames change their order
//     only if a fault is set (faults.go).
//   - Options.SendBuffer is how much is buffered for a connection before posts are answered 429.
//
// Integrations other than AWS_PROXY, authorizers, and selection expressions that read anything but
// the body are refused by name when an API is created.
package gateway
