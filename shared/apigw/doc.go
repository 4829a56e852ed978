// Package apigw translates between Hark and API Gateway: events of the WebSocket routes and of the
// function URL come in, frames go out to connections. It decides nothing. It follows docs/aws.md §A2
// and §A5.
//
// Start at routes.go for the three routes, at gateway.go for posts to connections, and at http.go for
// the function URL.
package apigw
