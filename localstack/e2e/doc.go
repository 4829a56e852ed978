// Package e2e holds the suites that only see Hark from outside: real clients, real SDKs, real
// sockets, against the local cloud or any deployment.
//
// Their table of contents is the conformance checklist (docs/protocol.md §9), which
// testdata/checklist.json lists: line N is the Go test TestLineN_…, in the file checklist_*_test.go
// of its section, whose comment begins with the line's words; where a real client is needed, it is
// a test of the Node suites beside them (*.test.mjs: pusher-js and Laravel Echo, in Node and in a
// browser) whose name begins with "N:". What goes beyond the checklist stands beside it:
// crowd_test.go, tenants_test.go, budget_test.go; webhooks_*_test.go has endpoints that are slow,
// down or dead, and publish_queue_test.go publishes without HTTP.
//
// All read HARK_URL, HARK_API_URL, HARK_APP_ID, HARK_APP_KEY and HARK_APP_SECRET; without HARK_URL
// they build the local cloud and start one for themselves. Start reading in main_test.go and
// client_test.go; package target opens what is tested, package wire speaks the protocol.
package e2e
