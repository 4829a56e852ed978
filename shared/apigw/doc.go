// Package apigw translates between Hark and API Gateway: it turns the events of the WebSocket
// routes and of the function URL into calls, and posts frames to connections. It decides nothing
// but how often a post is repeated. It follows docs/aws.md §A2 and §A5.
//
// Start at routes.go for the three routes of the WebSocket API, at gateway.go for posts to
// connections, and at http.go for the function URL.
package apigw
