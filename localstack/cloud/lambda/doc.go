// Package lambda is the local cloud's Lambda. It runs real function binaries as processes of this
// machine, which fetch their invocations over the Lambda Runtime API as they do on AWS, and gives
// them their triggers: the Invoke API, function URLs, SQS event source mappings and schedules.
//
// What happens to an invocation, from the top down:
//
//   - invoke.go: a caller hands an invocation to the function and gets the result when the function has posted it, which is
//     before the function is done: it stays busy until it asks for the next invocation (docs/aws.md §A2).
//   - pool.go: each function has a queue of invocations and a pool of processes that take from it, one invocation each.
//   - process.go, runtime.go and conn.go: the life of one process, the Runtime API that it speaks to, and how.
//   - faults.go: how it is refused, repeated, or killed with its process, if a fault is set.
//   - output.go: what it prints. Shown when it matters: warnings, errors, and the last lines before a crash.
//
// The triggers stand beside them: api.go (the aws CLI and SDKs), url.go, mapping.go, schedule.go,
// and async.go for invocations whose caller does not wait.
//
// It is not a sandbox: memory sizes are recorded and not enforced, processes are not frozen between
// invocations, and they see the machine's file system. Layers, container images and VPCs are
// refused by name. It needs a Unix system.
package lambda
