// Package socket decides what a client on a socket is told: the greeting when it opens, and the answers to its frames
// (protocol.md §1 to §4). It knows nothing of API Gateway; frames leave through a Sender, and who is subscribed is for Members
// to say.
//
// Start at open.go for the handshake and at message.go for everything after it: subscribe.go, signin.go and clientevent.go answer
// one kind of frame each, limits.go and clients.go say how many of them a connection may send.
package socket
