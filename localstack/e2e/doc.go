// Package e2e tests Hark from the outside: with real clients, real SDKs and real sockets, against a
// local cloud or any deployment.
//
// The suites follow the conformance checklist (docs/protocol.md §9), which testdata/checklist.json
// lists. Line N is the Go test TestLineN_…, in the file checklist_*_test.go of its section; its
// comment begins with the words of the line. A line that needs a real client is a test of the Node
// suites (*.test.mjs: pusher-js and Laravel Echo, in Node and in a browser) whose name begins with
// "N:".
//
// Other files go beyond the checklist: crowd_test.go (a thousand connections), tenants_test.go
// (several apps), budget_test.go (costs), broken_*_test.go (faults), webhooks_*_test.go (endpoints
// that are slow, down or dead) and publish_queue_test.go (publishing without HTTP).
//
// All suites read HARK_URL, HARK_API_URL, HARK_APP_ID, HARK_APP_KEY and HARK_APP_SECRET. Without
// HARK_URL they build and start a local cloud of their own. Start reading in main_test.go and
// client_test.go. Package target opens what is tested, package wire speaks the protocol.
package e2e
