package edge

import (
	"encoding/base64"
	"fmt"
	"math"
	"net/http"
	"strings"

	"github.com/dop251/goja"
)

// maxBody is CloudFront's limit for the body of a generated response, in bytes.
const maxBody = 40 << 10

// viewerRequest is what a function sees of a request. Query and cookies are as the viewer sent
// them, with their escapes.
type viewerRequest struct {
	distributionID, domainName, requestID, viewerIP string
	method, uri, query, host                        string
	header                                          http.Header
}

// rewritten is the request that the function returned.
type rewritten struct {
	uri, query string
	header     http.Header
}

// generated is a response that the function made.
type generated struct {
	status int
	header http.Header
	body   []byte
}

// disallowed reports whether functions can neither see nor set a header, given in lower case
// (CloudFront Developer Guide, restrictions on all edge functions).
func disallowed(name string) bool {
	switch name {
	case "connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization",
		"proxy-connection", "trailer", "upgrade", "x-accel-buffering", "x-accel-charset",
		"x-accel-limit-rate", "x-accel-redirect", "x-amzn-auth", "x-amzn-cf-billing",
		"x-amzn-cf-id", "x-amzn-cf-xff", "x-amzn-errortype", "x-amzn-fle-profile",
		"x-amzn-header-count", "x-amzn-header-order", "x-amzn-lambda-integration-tag",
		"x-amzn-requestid", "x-cache", "x-forwarded-proto", "x-real-ip":
		return true
	}
	return strings.HasPrefix(name, "x-amz-cf-") || strings.HasPrefix(name, "x-edge-")
}

// readOnly returns the headers that a viewer-request function sees and may not change.
func readOnly() []string { return []string{"content-length", "host", "transfer-encoding", "via"} }

// event returns the event object (CloudFront Developer Guide, "CloudFront Functions event
// structure").
func (r *runtime) event(in viewerRequest) *goja.Object {
	headers := r.vm.NewObject()
	for name, values := range in.header {
		if name = strings.ToLower(name); name != "cookie" && !disallowed(name) {
			set(headers, name, r.multiValue(values))
		}
	}
	set(headers, "host", r.multiValue([]string{in.host}))
	request := r.object(
		"method", in.method,
		"uri", in.uri,
		"querystring", r.pairs(in.query, "&"),
		"headers", headers,
		"cookies", r.pairs(strings.Join(in.header["Cookie"], "; "), ";"),
	)
	return r.object(
		"version", "1.0",
		"context", r.object(
			"distributionDomainName", in.domainName,
			"distributionId", in.distributionID,
			"eventType", "viewer-request",
			"requestId", in.requestID,
		),
		"viewer", r.object("ip", in.viewerIP),
		"request", request,
	)
}

// object returns an object with alternating names and values.
func (r *runtime) object(namesAndValues ...any) *goja.Object {
	o := r.vm.NewObject()
	for i := 0; i < len(namesAndValues); i += 2 {
		set(o, namesAndValues[i].(string), namesAndValues[i+1])
	}
	return o
}

// set sets a property of a new object, which cannot fail.
func set(o *goja.Object, name string, value any) { _ = o.Set(name, value) }

// multiValue returns {value: the first}, and with several values also multiValue: [{value}, …].
func (r *runtime) multiValue(values []string) *goja.Object {
	o := r.object("value", values[0])
	if len(values) > 1 {
		all := make([]any, len(values))
		for i, v := range values {
			all[i] = r.object("value", v)
		}
		set(o, "multiValue", r.vm.NewArray(all...))
	}
	return o
}

// pairs returns an object of name=value pairs, in their order.
func (r *runtime) pairs(s, separator string) *goja.Object {
	o := r.vm.NewObject()
	var order []string
	values := make(map[string][]string)
	for pair := range strings.SplitSeq(s, separator) {
		pair = strings.TrimSpace(pair)
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		if _, seen := values[name]; !seen {
			order = append(order, name)
		}
		values[name] = append(values[name], value)
	}
	for _, name := range order {
		set(o, name, r.multiValue(values[name]))
	}
	return o
}

// readRequest reads the request that the function returned.
func readRequest(o *goja.Object, in viewerRequest) (*rewritten, error) {
	uri, ok := text(o.Get("uri"))
	if !ok || !strings.HasPrefix(uri, "/") || strings.ContainsAny(uri, "?#") {
		return nil, fmt.Errorf("%w: request.uri must begin with / and have no query", errInvalid)
	}
	if method, _ := text(o.Get("method")); method != in.method {
		return nil, fmt.Errorf("%w: request.method cannot be changed", errInvalid)
	}
	header, err := readHeaders(o, "request")
	if err != nil {
		return nil, err
	}
	for _, name := range readOnly() {
		before, after := in.header.Get(name), header.Get(name)
		if name == "host" {
			before = in.host
		}
		if before != after {
			return nil, fmt.Errorf("%w: request.headers[%q] is read-only", errInvalid, name)
		}
	}
	header.Del("Host")
	cookies, err := joinPairs(o.Get("cookies"), "; ")
	if err != nil {
		return nil, fmt.Errorf("%w in request.cookies", err)
	}
	if cookies != "" {
		header.Set("Cookie", cookies)
	}
	query, err := joinPairs(o.Get("querystring"), "&")
	if err != nil {
		return nil, fmt.Errorf("%w in request.querystring", err)
	}
	return &rewritten{uri: uri, query: query, header: header}, nil
}

// readResponse reads the response that the function made.
func readResponse(o *goja.Object) (*generated, error) {
	status, ok := o.Get("statusCode").Export().(int64)
	if !ok || status < 200 || status > 599 {
		return nil, fmt.Errorf(
			"%w: response.statusCode must be a number from 200 to 599", errInvalid,
		)
	}
	header, err := readHeaders(o, "response")
	if err != nil {
		return nil, err
	}
	if cookies, ok := o.Get("cookies").(*goja.Object); ok {
		for _, name := range cookies.Keys() {
			values, err := readValues(cookies.Get(name))
			if err != nil {
				return nil, fmt.Errorf("%w in response.cookies", err)
			}
			for _, v := range values {
				header.Add("Set-Cookie", name+"="+v)
			}
		}
	}
	body, err := readBody(o.Get("body"))
	return &generated{status: int(status), header: header, body: body}, err
}

func readBody(v goja.Value) ([]byte, error) {
	if !present(v) {
		return nil, nil
	}
	encoding := "text"
	if o, ok := v.(*goja.Object); ok {
		encoding, _ = text(o.Get("encoding"))
		v = o.Get("data")
	}
	data, ok := text(v)
	body := []byte(data)
	if encoding == "base64" {
		var err error
		body, err = base64.StdEncoding.DecodeString(data)
		ok = ok && err == nil
	}
	if !ok || encoding != "text" && encoding != "base64" || len(body) > maxBody {
		return nil, fmt.Errorf(
			"%w: response.body must be a string or {encoding, data} of at most 40 KB", errInvalid,
		)
	}
	return body, nil
}

// readHeaders reads the headers of a returned request or response.
func readHeaders(o *goja.Object, of string) (http.Header, error) {
	header := make(http.Header)
	headers, _ := o.Get("headers").(*goja.Object)
	if headers == nil {
		return header, nil
	}
	for _, name := range headers.Keys() {
		if name != strings.ToLower(name) {
			return nil, fmt.Errorf(
				"%w: %s.headers must have header names in lower case", errInvalid, of,
			)
		}
		if disallowed(name) {
			return nil, fmt.Errorf("%w: %s.headers[%q] is not allowed", errInvalid, of, name)
		}
		values, err := readValues(headers.Get(name))
		if err != nil {
			return nil, fmt.Errorf("%w in %s.headers[%q]", err, of, name)
		}
		header[http.CanonicalHeaderKey(name)] = values
	}
	return header, nil
}

// readValues reads {value, multiValue}.
func readValues(v goja.Value) ([]string, error) {
	o, ok := v.(*goja.Object)
	if !ok {
		return nil, fmt.Errorf("%w: no value", errInvalid)
	}
	list, several := o.Get("multiValue").(*goja.Object)
	if !several {
		value, ok := text(o.Get("value"))
		if !ok {
			return nil, fmt.Errorf("%w: no value", errInvalid)
		}
		return []string{value}, nil
	}
	var values []string
	for _, i := range list.Keys() {
		one, err := readValues(list.Get(i))
		if err != nil {
			return nil, err
		}
		values = append(values, one...)
	}
	return values, nil
}

// joinPairs writes an object of values as name=value pairs in the order of insertion. It escapes
// nothing, since CloudFront sends what the function returns.
func joinPairs(v goja.Value, separator string) (string, error) {
	o, ok := v.(*goja.Object)
	if !ok {
		return "", nil
	}
	var pairs []string
	for _, name := range o.Keys() {
		values, err := readValues(o.Get(name))
		if err != nil {
			return "", err
		}
		for _, value := range values {
			pairs = append(pairs, name+"="+value)
		}
	}
	return strings.Join(pairs, separator), nil
}

// text returns a string, or a finite number or boolean as JavaScript writes it.
func text(v goja.Value) (string, bool) {
	if !present(v) {
		return "", false
	}
	switch x := v.Export().(type) {
	case string, int64, bool:
		return v.String(), true
	case float64:
		return v.String(), !math.IsNaN(x) && !math.IsInf(x, 0)
	}
	return "", false
}

func present(v goja.Value) bool { return v != nil && !goja.IsUndefined(v) && !goja.IsNull(v) }
