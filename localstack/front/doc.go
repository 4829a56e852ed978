// Command front does CloudFront's part for a stack on an emulator such as LocalStack. Such
// emulators run CloudFront for plain requests at best, and never for WebSockets. front asks the
// emulator's CloudFormation for the stack's template, resource IDs and outputs, and serves on one
// port what are two hosts on AWS:
//
//	/app/{key}   the template's distribution and its function, run by package edge,
//	             then the emulated gateway
//	otherwise    the function URL of the stack's output PublishHost
//
// Only the front is part of Hark; everything behind it is the emulator's. Start in main.go.
// stack.go reads the stack, handler.go serves it.
package main
