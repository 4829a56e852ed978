// Package lambda is the local cloud's Lambda: it runs function binaries as processes of this
// machine and invokes them. The processes fetch their invocations over the Lambda Runtime API, as
// on AWS. Invocations come from the Invoke API, function URLs, SQS event source mappings and
// schedules.
//
// Start at invoke.go and follow an invocation:
//
//   - invoke.go: a caller submits an invocation to the function and gets the result when the
//     function has posted it. The process stays busy until it asks for the next invocation, which
//     may be later (docs/aws.md §A2).
//   - pool.go: each function has a queue of invocations and a pool of processes. A process takes
//     one invocation at a time.
//   - process.go: the life of one process; runtime_api.go: the Runtime API that it calls;
//     runtime_server.go: the HTTP server under that.
//   - faults.go: how an invocation is refused, repeated, or killed with its process if a fault is
//     set.
//   - output.go: what processes print. Warnings, errors, and the last lines before a crash are
//     shown.
//
// The triggers have files of their own: rest_api.go (for the aws CLI and SDKs), function_url.go,
// event_source_mapping.go, schedule.go, and async.go for invocations whose caller does not wait.
//
// Lambda's sandbox is missing: memory sizes are recorded and not enforced, processes are not frozen
// between invocations, and they see the machine's file system. Layers, container images and VPCs
// are refused by name. The package needs a Unix system.
package lambda
