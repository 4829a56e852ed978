// Package edge is the local cloud's CloudFront: for each request it chooses the cache behavior,
// runs the distribution's viewer-request function, and forwards to the origin. It follows the
// CloudFront Developer Guide and docs/aws.md §A3. An origin is an http.Handler: one in this
// process, or a proxy to somewhere else. WebSocket upgrades are forwarded, too.
//
// Start at edge.go, which serves a request; distribution.go reads the template's properties, and
// viewer_function.go runs the function.
//
// Nothing is cached, since CachingDisabled is the only cache policy that is supported. New refuses
// by name whatever else a distribution may have that is not supported. Without effect on a loopback
// address are ViewerProtocolPolicy (viewers use plain HTTP), certificates, aliases, protocols of
// origins, and the price class.
//
// The function runs in goja, restricted to the language of runtime cloudfront-js-2.0: dialect.go
// refuses syntax that would fail only on CloudFront. The runtime's modules (cloudfront, crypto,
// querystring, Buffer) are missing. Where AWS documents nothing: a result that CloudFront would not
// accept is answered 502, an exception or a function that takes too long 503.
package edge
