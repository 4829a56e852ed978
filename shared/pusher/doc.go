// Package pusher is the vocabulary of the Pusher Channels protocol: apps, channels, socket IDs, events, errors, the frames
// that clients read and write, and the signatures that show who may do what. It decides nothing about storage or
// transport, and imports only the standard library.
//
// Start at frames.go for what travels on a socket, at app.go for signatures, at channel.go for names. Its source is
// docs/protocol.md, whose sections the comments name.
package pusher
