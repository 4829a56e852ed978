// Package e2e holds the suites that only see Hark from outside: real clients, real SDKs, real sockets, against the local
// cloud or any deployment.
//
// Its Go tests drive frames by hand, publish with pusher-http-go, and number their cases as the conformance checklist does
// (protocol.md §9). The Node suites beside them (*.test.mjs) run pusher-js and Laravel Echo, in Node and in a browser.
// Both read HARK_URL, HARK_API_URL, HARK_APP_ID, HARK_APP_KEY and HARK_APP_SECRET; without HARK_URL they build the local
// cloud and start one for themselves. Start reading in main_test.go; package target opens what is tested, package wire
// speaks the protocol.
package e2e
