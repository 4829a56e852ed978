package main

import (
	"io"
	"net/http"
	"strings"

	"hark/localstack/cloud"
	"hark/localstack/cloud/template"
)

// public is the public port. On AWS, clients use one host and publishers another. Here one port
// serves both and chooses the host by the path (docs/decisions/0004-public-port.md).
type public struct {
	client  http.Handler // the distribution: /app/{key}
	publish http.Handler // the function URL: the HTTP API
}

func newPublic(c *cloud.Cloud, stack *template.Stack) *public {
	return &public{
		client:  c.Host(stack.Outputs[clientHostOutput]),
		publish: c.Host(stack.Outputs[publishHostOutput]),
	}
}

// welcome is what a browser shows at the root of the public port.
const welcome = "Hark's local cloud.\n\n" +
	"/app/{key}            WebSocket clients of the Pusher protocol, " +
	"through the stack's own CloudFront function\n" +
	"/apps/{id}/events ... the HTTP API of the Pusher protocol, /up, /broadcasting/...: " +
	"on AWS these have a host of their own\n\n" +
	"The AWS services are on another port. " +
	"The terminal shows both, a .env block and a curl command.\n"

// ServeHTTP passes a request to the host that its path belongs to. The root answers with a short
// explanation for a person with a browser.
func (p *public) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch first {
	case "app":
		serveHost(p.client, w, r)
	case "apps", "up", "broadcasting":
		serveHost(p.publish, w, r)
	case "":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, welcome) // fails only if the browser is gone
	default:
		http.Error(w, "Nothing is served here. See / for what is.", http.StatusNotFound)
	}
}

// serveHost passes the request to the host. It answers 404 if the stack does not have that host.
func serveHost(host http.Handler, w http.ResponseWriter, r *http.Request) {
	if host == nil {
		http.Error(w, "The stack has no such host: "+
			"its outputs ClientHost and PublishHost do not name one.", http.StatusNotFound)
		return
	}
	host.ServeHTTP(w, r)
}
