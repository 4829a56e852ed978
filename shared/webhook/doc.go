// Package webhook decides which webhook events an app is sent, and sends them (docs/protocol.md §6,
// docs/decisions/0036-checks-and-deliveries.md). Two queues feed it.
//
// Checker handles the checks queue, which delays each check by three seconds. It compares what is
// with what was announced to the app. So it does not matter how often a check is queued or by which
// function, and a page that reloads causes no webhook event. A channel has one check at a time. The
// steps are those of docs/steps.md §3.5.
//
// Notifier turns a webhook event into deliveries: one for each of the app's webhooks that wants it,
// and one for the stack's event bus. They go to the deliveries queue, where each endpoint has its
// own order for each channel.
//
// Deliverer handles the deliveries queue and posts the events. A delivery that fails is tried again
// for five minutes, with growing delays. None overtakes another. After a crash an event may be sent
// twice.
//
// Start at checker.go for channels and members.go for members, or at deliverer.go for posts.
package webhook
