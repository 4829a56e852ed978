// Package socket answers clients: it decides who may connect, what each frame asks for, and which
// frames are refused (docs/protocol.md §1 to §4). It sends the greeting, pongs and refusals. The frames
// that report subscriptions, members and users are sent by package membership, which knows when they
// are true; its send.go lists them.
//
// Start at open.go for the handshake and at message.go for every frame after it. subscribe.go,
// signin.go and clientevent.go answer one kind of frame each; limits.go and clients.go say how many
// frames a connection may send.
package socket
