package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"hark/localstack/cloud/edge"
	"hark/localstack/cloud/template"
)

// places are URLs where an emulator serves what AWS serves under hosts of its own. {id} stands for
// the ID of the API or of the function URL.
type places struct{ sockets, functions string }

// newHandler serves the stack's distribution and its function URL, both from the emulator.
func newHandler(stack *template.Stack, at places, log *slog.Logger) (http.Handler, error) {
	distributions, functions := stack.OfType(
		"AWS::CloudFront::Distribution",
	), stack.OfType("AWS::CloudFront::Function")
	if len(distributions) != 1 || len(functions) != 1 {
		return nil, fmt.Errorf(
			"the stack has %d distributions and %d functions of CloudFront, not one of each",
			len(distributions), len(functions))
	}
	var function edge.FunctionSpec
	if err := functions[0].Decode(&function); err != nil {
		return nil, err
	}
	publish, err := at.origin(stack.Outputs["PublishHost"])
	if err != nil {
		return nil, fmt.Errorf("output PublishHost: %w", err)
	}
	client, err := edge.New(edge.Options{
		ID: distributions[0].ID, DomainName: stack.Outputs["ClientHost"],
		Distribution: distributions[0].Properties, FunctionCode: function.FunctionCode,
		Origin: func(host string) http.Handler {
			origin, err := at.origin(host)
			if err != nil {
				log.Error("the distribution has an origin that is not served here", "error", err)
				return nil
			}
			return origin
		},
		Log: log,
	})
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); first == "app" {
			client.ServeHTTP(w, r)
			return
		}
		publish.ServeHTTP(w, r)
	}), nil
}

// origin proxies a host name of AWS, an API's or a function's, to the emulator.
func (p places) origin(host string) (http.Handler, error) {
	id, domain, _ := strings.Cut(host, ".")
	service, _, _ := strings.Cut(domain, ".")
	place := map[string]string{"execute-api": p.sockets, "lambda-url": p.functions}[service]
	if place == "" {
		return nil, fmt.Errorf("%q is the host of neither an API nor a function URL", host)
	}
	target, err := url.Parse(strings.ReplaceAll(place, "{id}", id))
	if err != nil {
		return nil, fmt.Errorf("place of %s: %w", service, err)
	}
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.URL.RawQuery = r.In.URL.RawQuery // unchanged, because publishers sign it
		r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
	}}, nil
}
