package cloud

import (
	"encoding/json"
	"encoding/xml"
	"log/slog"
	"net/http"
	"strings"
)

// Handler returns the AWS port: one endpoint for every service, as the SDKs and the aws CLI call
// them with AWS_ENDPOINT_URL.
func (c *Cloud) Handler() http.Handler {
	return &port{
		keys: &c.keys, dynamodb: c.tables, sqs: c.queues, events: c.buses, lambda: c.lambda,
		connections: http.HandlerFunc(c.gateway.ServeConnections), socket: c.gateway.Socket,
		functionURL: c.functionURL, controlPath: c.opts.ControlPath, meter: c.meter,
		faults: c.faults, alternative: c.opts.Alternative, log: c.opts.Log,
	}
}

// port is the AWS port.
type port struct {
	keys        *keys // a caller with any other key is the administrator
	dynamodb    http.Handler
	sqs         http.Handler
	events      http.Handler
	lambda      http.Handler
	connections http.Handler                  // API Gateway's @connections
	socket      func(api string) http.Handler // the WebSocket API with the ID
	functionURL func(id string) http.Handler  // the function URL with the ID

	controlPath   string // Options.ControlPath
	meter, faults http.Handler

	alternative string // Options.Alternative
	log         *slog.Logger
}

// ServeHTTP passes a request to its service, with the role of the access key in its context.
func (p *port) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	caller := callerOf(r)
	if holder := p.keys.holder(caller.accessKey); holder != nil {
		r = r.WithContext(holder.withCaller(r.Context()))
	}
	target, path := r.Header.Get("X-Amz-Target"), r.URL.Path
	switch {
	case strings.HasPrefix(target, "DynamoDB_20120810."):
		p.dynamodb.ServeHTTP(w, r)
	case strings.HasPrefix(target, "AmazonSQS."):
		p.sqs.ServeHTTP(w, r)
	case strings.HasPrefix(target, "AWSEvents."):
		p.events.ServeHTTP(w, r)
	case strings.HasPrefix(path, "/2015-03-31/functions"):
		p.lambda.ServeHTTP(w, r)
	case strings.HasPrefix(path, apiPath) && r.Header.Get("Upgrade") != "":
		p.serveSocket(w, r)
	case strings.HasPrefix(path, apiPath):
		p.connections.ServeHTTP(w, r)
	case strings.HasPrefix(path, functionURLPath):
		p.serveURL(w, r)
	default:
		p.serveControl(w, r, caller.service)
	}
}

// serveControl serves the meter and the faults, and refuses every other path.
func (p *port) serveControl(w http.ResponseWriter, r *http.Request, service string) {
	name, own := strings.CutPrefix(r.URL.Path, p.controlPath+"/")
	switch own = own && p.controlPath != ""; {
	case own && name == "meter":
		p.meter.ServeHTTP(w, r)
	case own && name == "faults":
		p.faults.ServeHTTP(w, r)
	default:
		p.refuse(w, r, service)
	}
}

// serveSocket serves ws://.../_aws/execute-api/{api}/{stage}: the WebSocket API itself, without
// CloudFront in front of it.
func (p *port) serveSocket(w http.ResponseWriter, r *http.Request) {
	api, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, apiPath), "/")
	http.StripPrefix(apiPath+api, p.socket(api)).ServeHTTP(w, r)
}

// serveURL serves /_aws/lambda-url/{id}/..., the function URL with the ID.
func (p *port) serveURL(w http.ResponseWriter, r *http.Request) {
	id, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, functionURLPath), "/")
	http.StripPrefix(functionURLPath+id, p.functionURL(id)).ServeHTTP(w, r)
}

// refuse answers 501 to a request for a service or operation that the cloud does not have. The
// answer names both, in XML or JSON according to the protocol of the request.
func (p *port) refuse(w http.ResponseWriter, r *http.Request, service string) {
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
	p.log.Warn("a request is for no service of the local cloud",
		"service", service, "operation", operation)
	message := "The local cloud does not have this: " + operation + " of " + service +
		". It has DynamoDB, SQS, EventBridge's PutEvents, Lambda's Invoke and API Gateway's " +
		"@connections, for what the stack uses."
	if p.alternative != "" {
		message += " " + p.alternative
	}
	if form || service == "s3" {
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(http.StatusNotImplemented)
		refusal := xmlError{Type: "Sender", Code: "NotImplemented", Message: message}
		_ = xml.NewEncoder(w).Encode(refusal)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", "NotImplemented")
	w.WriteHeader(http.StatusNotImplemented)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": "NotImplemented", "message": message})
}

// xmlError is an error in AWS's Query protocol.
type xmlError struct {
	XMLName xml.Name `xml:"ErrorResponse"`
	Type    string   `xml:"Error>Type"`
	Code    string   `xml:"Error>Code"`
	Message string   `xml:"Error>Message"`
}
