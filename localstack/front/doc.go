// Command front stands where CloudFront stands on AWS, before a stack that somebody deployed to an
// emulator of LocalStack's kind: those run CloudFront for plain requests at best, and never for
// sockets. It asks the emulator's CloudFormation for the stack's template and for what became of
// it, and serves on one port what are two hosts on AWS:
//
//	/app/{key}   the template's own distribution with its own function, run by package edge, then the emulated gateway
//	otherwise    the function URL of the stack's output PublishHost
//
// Only the front is ours there: everything behind it is the emulator's. Start in main.go; stack.go
// asks, handler.go serves.
package main
