package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"hark/localstack/edge"
	"hark/localstack/template"
)

// newHandler serves the stack's distribution and its function URL, both by the emulator at base.
func newHandler(stack *template.Stack, base *url.URL, log *slog.Logger) (http.Handler, error) {
	distributions, functions := stack.OfType("AWS::CloudFront::Distribution"), stack.OfType("AWS::CloudFront::Function")
	if len(distributions) != 1 || len(functions) != 1 {
		return nil, fmt.Errorf("the stack has %d distributions and %d functions of CloudFront, not one of each",
			len(distributions), len(functions))
	}
	var function struct{ FunctionCode string }
	if err := functions[0].Decode(&function); err != nil {
		return nil, err
	}
	client, err := edge.New(edge.Options{
		ID: distributions[0].ID, DomainName: stack.Outputs["ClientHost"],
		Distribution: distributions[0].Properties, FunctionCode: function.FunctionCode,
		Origin: func(host string) http.Handler { return origin(base, host) }, Log: log,
	})
	if err != nil {
		return nil, err
	}
	publish := origin(base, stack.Outputs["PublishHost"])
	if publish == nil {
		return nil, fmt.Errorf("the output PublishHost %q is not the host of a function URL", stack.Outputs["PublishHost"])
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); first == "app" {
			client.ServeHTTP(w, r)
			return
		}
		publish.ServeHTTP(w, r)
	}), nil
}

// origin serves a host name of AWS's at the emulator, under the paths that LocalStack has chosen and others have taken
// over (aws-facts.md §F). It is nil for a host that is neither an API's nor a function's.
func origin(base *url.URL, host string) http.Handler {
	id, domain, _ := strings.Cut(host, ".")
	service, _, _ := strings.Cut(domain, ".")
	if service != "execute-api" && service != "lambda-url" {
		return nil
	}
	target := *base
	target.Path = strings.TrimSuffix(base.Path, "/") + "/_aws/" + service + "/" + id
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&target)
		r.Out.URL.RawQuery = r.In.URL.RawQuery // as it was written: publishers sign it
		r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
	}}
}
