// Package socket decides what a client on a socket is told: the greeting when it opens, and the answers to its frames
// (protocol.md §1 to §3). It knows nothing of API Gateway; frames leave through a Sender.
//
// Start at open.go for the handshake and at message.go for everything after it.
package socket
