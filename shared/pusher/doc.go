// Package pusher is the Pusher protocol and nothing else: the names of channels and events, the
// frames that clients and server send, the signatures, the error codes, and the values of an app's
// settings. It knows nothing of storage or transport and imports only the standard library.
//
// Each file is named after a noun of the protocol. Start at clientframes.go for the frames that
// clients send and at serverframes.go for those that they are sent. auth.go checks the signatures
// of channels and sign-ins, signedrequest.go those of HTTP requests. The protocol is described in
// docs/protocol.md.
package pusher
