// Package apigw is the adapter to API Gateway and Lambda: the events of the WebSocket routes and of a function URL in, frames
// out to connections. It translates and decides nothing. Its behaviour follows aws-facts.md §A2 and §A5.
//
// Start at socket.go for the three routes, at connections.go for what is posted, at http.go for the function URL.
package apigw
