// Package gateway is the data plane of API Gateway WebSocket APIs: it holds clients' sockets, turns
// what happens on them into events for functions, and lets functions reach clients through
// @connections. It follows docs/aws.md §A; names of files follow the life of a connection:
// handshake.go, socket.go, read.go, message.go, and connections.go for the callers of @connections.
//
// What AWS does not document, and what is done here:
//
//   - Connection ids are 11 random bytes in URL-safe base64, since ids of both kinds seen in public logs
//     (HXT_RfBnPHcCIIg=, R1kmxc2VNjMCFIA=) use that alphabet. A standard-alphabet id is taken for well-formed too.
//   - The 410 of @connections has an empty body: the JavaScript SDK reports "410" as its message, which it does only then.
//   - The status that a function returns for a message is ignored, as users report; an answer without a status is an
//     integration failure.
//   - Ping frames are answered, and are not activity: the idle limit counts messages, both ways.
//   - A post of more than 32 KB goes out in several frames.
//   - It answers 410 for the living, loses $disconnects and reorders frames only if a fault is set (faults.go).
//   - How much a socket buffers before posts get 429: Options.SendBuffer.
//
// What is refused by name when an API is created: integrations that are not AWS_PROXY, authorizers,
// and selection expressions that read anything but the body.
package gateway
