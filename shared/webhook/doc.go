// Package webhook decides what apps are told of their channels, and tells them (docs/protocol.md §6). It stands behind two queues.
//
// Checker takes what is on the first, three seconds late: "look whether the app knows how this channel is". It compares what is with
// what was told, so that it matters neither how often it is asked nor by whom, and a page that reloads makes no noise. There is one
// at a time for each channel. Its steps are those of docs/steps.md §3, "Check".
//
// Notifier makes of a notice one delivery for each of those who want it: the app's webhooks, and the stack's event bus. They go to the
// second queue, where each endpoint has an order of its own for each channel.
//
// Deliverer takes them from there, and posts them. What fails comes again, later each time, for five minutes. Nothing is lost and
// nothing overtakes, but after a death something may be told twice.
package webhook
