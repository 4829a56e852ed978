package main

import (
	"encoding/json"
	"encoding/xml"
	"log/slog"
	"net/http"
	"strings"
)

// front is the AWS port: one endpoint for every service, as the SDKs and the aws CLI call them with AWS_ENDPOINT_URL.
type front struct {
	keys        *keys // whom a known access key id stands for; others are the account's administrator
	dynamodb    http.Handler
	sqs         http.Handler
	events      http.Handler
	lambda      http.Handler
	connections http.Handler                  // API Gateway's @connections
	socket      func(api string) http.Handler // what the WebSocket API with the id serves
	url         func(id string) http.Handler  // what the function URL with the id serves
	meter       http.Handler
	faults      http.Handler
	log         *slog.Logger
}

const (
	connectionsPath = "/_aws/execute-api/"
	functionURLPath = "/_aws/lambda-url/"
)

// ServeHTTP finds the service that a request is for, and makes the request in the name of its access key's role.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	caller := credential(r)
	if holder := f.keys.holder(caller.accessKey); holder != nil {
		r = r.WithContext(holder.as(r.Context()))
	}
	target, path := r.Header.Get("X-Amz-Target"), r.URL.Path
	switch {
	case strings.HasPrefix(target, "DynamoDB_20120810."):
		f.dynamodb.ServeHTTP(w, r)
	case strings.HasPrefix(target, "AmazonSQS."):
		f.sqs.ServeHTTP(w, r)
	case strings.HasPrefix(target, "AWSEvents."):
		f.events.ServeHTTP(w, r)
	case strings.HasPrefix(path, "/2015-03-31/functions"):
		f.lambda.ServeHTTP(w, r)
	case strings.HasPrefix(path, connectionsPath) && r.Header.Get("Upgrade") != "":
		f.serveSocket(w, r)
	case strings.HasPrefix(path, connectionsPath):
		f.connections.ServeHTTP(w, r)
	case strings.HasPrefix(path, functionURLPath):
		f.serveURL(w, r)
	case path == "/_hark/meter":
		f.meter.ServeHTTP(w, r)
	case path == "/_hark/faults":
		f.faults.ServeHTTP(w, r)
	default:
		f.refuse(w, r, caller.service)
	}
}

// serveSocket serves ws://…/_aws/execute-api/{api}/{stage}: the WebSocket API itself, without the CloudFront before it.
func (f *front) serveSocket(w http.ResponseWriter, r *http.Request) {
	api, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, connectionsPath), "/")
	http.StripPrefix(connectionsPath+api, f.socket(api)).ServeHTTP(w, r)
}

// serveURL serves /_aws/lambda-url/{id}/…, the function URL with the id.
func (f *front) serveURL(w http.ResponseWriter, r *http.Request) {
	id, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, functionURLPath), "/")
	http.StripPrefix(functionURLPath+id, f.url(id)).ServeHTTP(w, r)
}

// refuse answers what is for no service of the local cloud. It tells which one, in the caller's protocol.
func (f *front) refuse(w http.ResponseWriter, r *http.Request, service string) {
	operation := r.Header.Get("X-Amz-Target")
	form := strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
	if form && operation == "" {
		operation = r.PostFormValue("Action")
	}
	if operation == "" {
		operation = r.Method + " " + r.URL.Path
	}
	if service == "" {
		service = "no service that it knows"
	}
	f.log.Warn("a request is for no service of the local cloud", "service", service, "operation", operation)
	message := "The local cloud does not have this: " + operation + " of " + service + ". It has DynamoDB, SQS, EventBridge's PutEvents, " +
		"Lambda's Invoke and API Gateway's @connections, for what the stack uses. To run the stack on an emulator that has more: scripts/localstack"
	if form || service == "s3" {
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(http.StatusNotImplemented)
		_ = xml.NewEncoder(w).Encode(xmlError{Type: "Sender", Code: "NotImplemented", Message: message})
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", "NotImplemented")
	w.WriteHeader(http.StatusNotImplemented)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": "NotImplemented", "message": message})
}

// xmlError is an error of the services that still speak AWS's Query protocol.
type xmlError struct {
	XMLName xml.Name `xml:"ErrorResponse"`
	Type    string   `xml:"Error>Type"`
	Code    string   `xml:"Error>Code"`
	Message string   `xml:"Error>Message"`
}

// caller is what a request's signature says about it. Only those of @connections are checked (signature.go).
type caller struct{ accessKey, service string }

// credential reads AKID/date/region/service/aws4_request out of the Authorization header or, in a presigned URL, the
// query.
func credential(r *http.Request) caller {
	_, scope, found := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if found {
		scope, _, _ = strings.Cut(scope, ",")
	} else {
		scope = r.URL.Query().Get("X-Amz-Credential")
	}
	parts := strings.Split(scope, "/")
	if len(parts) != 5 {
		return caller{accessKey: parts[0]}
	}
	return caller{accessKey: parts[0], service: parts[3]}
}
