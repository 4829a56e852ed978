package edge

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"

	"hark/localstack/cloud/meter"
)

// Options configure a Distribution.
type Options struct {
	// as functions see them; ELOCAL and {id}.cloudfront.net if empty
	ID, DomainName string
	// the properties of an AWS::CloudFront::Distribution, intrinsic functions resolved
	Distribution json.RawMessage
	// the code of the AWS::CloudFront::Function that the distribution uses, if any
	FunctionCode string

	// Origin returns the handler for an origin's domain name. It is called once for each; the
	// distribution is refused if it returns nil.
	Origin func(domainName string) http.Handler

	ViewerIP func(*http.Request) string // the viewer's address; the peer's if nil
	// counts requests and runs of the function; may be nil
	Meter *meter.Meter
	// failures and, at debug level, what the function logs; discarded if nil
	Log *slog.Logger
}

// Distribution is a CloudFront distribution: the http.Handler for viewers. It is safe for
// concurrent use.
type Distribution struct {
	opts     Options
	config   *config
	function *function               // nil if no behavior has one
	origins  map[string]http.Handler // by domain name
}

// New reads a distribution and its function. The error names the property or construct that
// CloudFront or its runtime would refuse, or that is not supported here.
func New(opts Options) (*Distribution, error) {
	opts.ID = cmp.Or(opts.ID, "ELOCAL")
	opts.DomainName = cmp.Or(opts.DomainName, strings.ToLower(opts.ID)+".cloudfront.net")
	if opts.ViewerIP == nil {
		opts.ViewerIP = peerIP
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	d := &Distribution{opts: opts, origins: make(map[string]http.Handler)}
	var err error
	if d.config, err = parse(opts.Distribution); err != nil {
		return nil, fmt.Errorf("edge: distribution: %w", err)
	}
	arn, err := d.config.function()
	if err != nil {
		return nil, fmt.Errorf("edge: distribution: %w", err)
	}
	if arn != "" {
		if d.function, err = newFunction(opts.FunctionCode, opts.Log); err != nil {
			return nil, fmt.Errorf("edge: function %s: %w", arn, err)
		}
	}
	for _, o := range d.config.Origins {
		if d.origins[o.DomainName] = opts.Origin(o.DomainName); d.origins[o.DomainName] == nil {
			return nil, fmt.Errorf("edge: distribution: nobody answers for origin %s", o.DomainName)
		}
	}
	return d, nil
}

// ServeHTTP serves a viewer. CloudFront's own errors have its text and its X-Cache header.
func (d *Distribution) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.opts.Meter.Add(meter.EdgeRequests, meter.By{Operation: r.Method}, 1)
	id := requestID()
	via := "1.1 " + d.opts.DomainName + " (CloudFront)"
	w.Header()["Via"] = []string{via}
	w.Header()["X-Amz-Cf-Id"] = []string{id}

	uri := r.URL.EscapedPath()
	b := d.config.behavior(uri)
	if !b.allows(r.Method) {
		fail(
			w, http.StatusForbidden, "Error from cloudfront",
			"This distribution is not configured to allow the HTTP request method that was used "+
				"for this request.",
		)
		return
	}
	out := rewritten{uri: uri, query: r.URL.RawQuery, header: r.Header.Clone()}
	viewer := d.opts.ViewerIP(r)
	if len(b.FunctionAssociations) > 0 {
		d.opts.Meter.Add(meter.EdgeFunctions, meter.By{Operation: "viewer-request"}, 1)
		request, response, err := d.function.run(viewerRequest{
			distributionID: d.opts.ID, domainName: d.opts.DomainName,
			requestID: id, viewerIP: viewer,
			method: r.Method, uri: uri, query: r.URL.RawQuery, host: r.Host, header: r.Header,
		})
		switch {
		case err != nil:
			d.function.logFailure(r.Context(), uri, err)
			failFunction(w, err)
			return
		case response != nil:
			response.write(w)
			return
		}
		out = *request
	}
	d.forward(w, r, b.origin, out, viewer, via, id)
}

// forward sends the request to the origin.
func (d *Distribution) forward(
	w http.ResponseWriter, r *http.Request, o *origin, out rewritten, viewer, via, id string,
) {
	escaped := o.OriginPath + out.uri
	path, err := url.PathUnescape(escaped)
	if err != nil {
		fail(
			w, http.StatusBadRequest, "Error from cloudfront",
			"Bad request. The path cannot be read.",
		)
		return
	}
	req := r.WithContext(r.Context()) // a copy
	req.Host = o.DomainName
	req.URL = &url.URL{Path: path, RawPath: escaped, RawQuery: escapeQuery(out.query)}
	req.RequestURI = req.URL.RequestURI()
	req.RemoteAddr = "127.0.0.1:0" // the edge's, not the viewer's
	req.Header = out.header
	hopByHop(req.Header, r.Header)
	h := req.Header
	h["X-Forwarded-For"] = []string{strings.Join(append(h["X-Forwarded-For"], viewer), ", ")}
	h["Via"] = []string{strings.Join(append(h["Via"], via), ", ")}
	h["X-Amz-Cf-Id"] = []string{id}
	for _, custom := range o.OriginCustomHeaders {
		h.Set(custom.HeaderName, custom.HeaderValue)
	}
	d.origins[o.DomainName].ServeHTTP(w, req)
}

// hopByHop removes the headers of the viewer's connection. It keeps the upgrade to WebSocket, which
// functions cannot change.
func hopByHop(h, viewer http.Header) {
	for _, name := range []string{
		"Connection", "Expect", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "Te",
		"Trailer", "Upgrade",
	} {
		h.Del(name)
	}
	if strings.EqualFold(viewer.Get("Upgrade"), "websocket") {
		h["Connection"], h["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
	}
}

// escapeQuery escapes what a request line cannot hold, and leaves the rest as the function wrote
// it.
func escapeQuery(query string) string {
	var b strings.Builder
	for i := range len(query) {
		if c := query[i]; c <= ' ' || c >= 0x7f || c == '#' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// write answers the viewer with the function's response.
func (g *generated) write(w http.ResponseWriter) {
	h := w.Header()
	for name, values := range g.header {
		h[name] = values
	}
	h["Server"] = []string{"CloudFront"}
	h["X-Cache"] = []string{"FunctionGeneratedResponse from cloudfront"}
	w.WriteHeader(g.status)
	_, _ = w.Write(g.body) // an error means that the viewer has gone
}

// failFunction answers for a function that failed.
func failFunction(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, errInvalid):
		fail(
			w, http.StatusBadGateway, "FunctionValidationError from cloudfront",
			"The CloudFront function returned an invalid value.",
		)
	case errors.Is(err, errThrottled):
		fail(w, http.StatusServiceUnavailable, "FunctionThrottledError from cloudfront",
			"The CloudFront function associated with the CloudFront distribution was throttled.")
	default:
		fail(w, http.StatusServiceUnavailable, "FunctionExecutionError from cloudfront",
			"The CloudFront function associated with the CloudFront distribution is invalid or "+
				"could not run.")
	}
}

// fail answers with an error page of CloudFront.
func fail(w http.ResponseWriter, status int, cache, text string) {
	h := w.Header()
	h["Server"] = []string{"CloudFront"}
	h["X-Cache"] = []string{cache}
	h["Content-Type"] = []string{"text/html"}
	w.WriteHeader(status)
	fmt.Fprintf(w, "<!DOCTYPE html>\n"+
		"<title>ERROR: The request could not be satisfied</title>\n"+
		"<h1>%d ERROR</h1>\n<h2>The request could not be satisfied.</h2>\n<p>%s</p>\n"+
		"<pre>Generated by cloudfront (CloudFront)\nRequest ID: %s</pre>\n",
		status, text, h.Get("X-Amz-Cf-Id"))
}

// requestID returns an ID of CloudFront's form: 56 characters that end in "==".
func requestID() string {
	var b [40]byte
	rand.Read(b[:]) // never fails
	return base64.URLEncoding.EncodeToString(b[:])
}

func peerIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
