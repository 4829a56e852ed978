// Package socket decides who may connect, what each frame of a client asks for, and which frames
// are refused (docs/protocol.md §1 to §4). It sends the greeting, pongs and refusals. Package
// membership sends the frames that report subscriptions, members and users, because it knows when
// they are true; its send.go lists them.
//
// Start at open.go for the handshake and at message.go for every frame after it. subscribe.go,
// signin.go and clientevent.go answer one kind of frame each. limits.go and clients.go limit how
// many frames a connection may send.
package socket
