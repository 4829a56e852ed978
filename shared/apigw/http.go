package apigw

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"

	"github.com/aws/aws-lambda-go/events"
)

// URLHandler handles the requests that a function URL gets.
type URLHandler = func(
	context.Context, events.LambdaFunctionURLRequest,
) (events.LambdaFunctionURLResponse, error)

// HTTP returns the handler of a function URL that serves h. Answers must be text, as all answers of
// the Pusher API are.
func HTTP(h http.Handler) URLHandler {
	return func(
		ctx context.Context, e events.LambdaFunctionURLRequest,
	) (out events.LambdaFunctionURLResponse, err error) {
		req, err := request(ctx, e)
		if err != nil {
			out.StatusCode, out.Body = http.StatusBadRequest, "Bad request\n"
			return out, nil //nolint:nilerr // the caller's mistake
		}
		w := &response{header: make(http.Header), status: http.StatusOK}
		h.ServeHTTP(w, req)
		out.StatusCode, out.Body = w.status, w.body.String()
		out.Headers = make(map[string]string)
		for k := range w.header {
			out.Headers[k] = w.header.Get(k)
		}
		return out, nil
	}
}

// request returns the event as net/http knows requests. It fails if the path or the body is not
// encoded as it should be.
func request(ctx context.Context, e events.LambdaFunctionURLRequest) (*http.Request, error) {
	body := []byte(e.Body)
	if e.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(e.Body); err != nil {
			return nil, err
		}
	}
	path, err := url.PathUnescape(e.RawPath)
	if err != nil {
		return nil, err
	}
	u := &url.URL{Path: path, RawPath: e.RawPath, RawQuery: e.RawQueryString}
	req := &http.Request{
		Method: e.RequestContext.HTTP.Method, URL: u, Host: e.RequestContext.DomainName,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		RemoteAddr: e.RequestContext.HTTP.SourceIP, Header: make(http.Header),
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}
	for k, v := range e.Headers {
		req.Header.Set(k, v)
	}
	return req.WithContext(ctx), nil
}

// response is an http.ResponseWriter that keeps what a handler writes.
type response struct {
	header http.Header
	status int
	wrote  bool
	body   bytes.Buffer
}

func (r *response) Header() http.Header { return r.header }

func (r *response) WriteHeader(status int) {
	if !r.wrote {
		r.status, r.wrote = status, true
	}
}

func (r *response) Write(b []byte) (int, error) {
	r.wrote = true
	return r.body.Write(b)
}
