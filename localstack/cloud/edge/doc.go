// Package edge is CloudFront as the stack uses it: it picks the behaviour of a request, runs the
// distribution's viewer-request function as it is, and forwards to the origin. It follows the
// CloudFront Developer Guide and docs/aws.md §A3. An origin is an http.Handler: one in this
// process, or a proxy to anywhere. WebSocket upgrades go through to either.
//
// Nothing is cached, since the one cache policy that is supported is CachingDisabled; what else a
// distribution may ask for and does not get here is refused by New, by its name. Without effect on
// a loopback address: ViewerProtocolPolicy (viewers come by plain HTTP), certificates, aliases,
// protocols of origins, price class.
//
// The function runs in goja, with what runtime cloudfront-js-2.0 has of the language: dialect.go
// refuses syntax that would fail at the edge only. Its modules (cloudfront, crypto, querystring,
// Buffer) are not there. Where AWS documents nothing: a result that CloudFront would not accept
// gives 502, an exception or a function that takes too long 503.
package edge
