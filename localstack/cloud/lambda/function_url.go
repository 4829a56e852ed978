package lambda

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"hark/localstack/cloud/meter"
)

// URLSpec is an AWS::Lambda::Url. Only public, buffered URLs are supported.
type URLSpec struct {
	ID string `json:"-"` // the first label of its host name

	TargetFunctionArn string // or name
	AuthType          string // NONE
	InvokeMode        string // BUFFERED or ""

	Cors      json.RawMessage // refused if set
	Qualifier string          // refused if set
}

// urlHandler serves a function URL: it turns requests into events in payload format 2.0, and the
// function's responses into HTTP responses.
type urlHandler struct {
	id       string
	function *function
}

// CreateURL gives a function a URL.
func (s *Service) CreateURL(spec URLSpec) error {
	switch {
	case spec.AuthType != "NONE":
		return fmt.Errorf(
			"function URL of %s: %w",
			spec.TargetFunctionArn, unsupported("AuthType "+spec.AuthType),
		)
	case spec.InvokeMode != "" && spec.InvokeMode != "BUFFERED":
		return fmt.Errorf(
			"function URL of %s: %w",
			spec.TargetFunctionArn, unsupported("InvokeMode "+spec.InvokeMode),
		)
	case spec.Cors != nil:
		return fmt.Errorf("function URL of %s: %w", spec.TargetFunctionArn, unsupported("Cors"))
	case spec.Qualifier != "":
		return fmt.Errorf(
			"function URL of %s: %w", spec.TargetFunctionArn, unsupported("Qualifier"),
		)
	}
	f, err := s.function(spec.TargetFunctionArn)
	if err != nil {
		return fmt.Errorf("function URL %s: %w", spec.ID, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.urls[spec.ID] = &urlHandler{id: spec.ID, function: f}
	return nil
}

// URL returns the handler of https://{id}.lambda-url.{region}.on.aws. Requests must have the path
// that the function is to see. An unknown id answers 404.
func (s *Service) URL(id string) http.Handler {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.urls[id]; h != nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusNotFound, map[string]string{"Message": "Not Found"})
	})
}

func (h *urlHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.function.count(meter.URLRequests, meter.FunctionURL, 1)
	body, err := readPayload(r)
	if errors.Is(err, errPayloadSize) {
		h.fail(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return
	}
	if err != nil {
		return // the client has gone
	}
	id := newUUID()
	result, err := h.function.invoke(
		r.Context(),
		&invocation{id: id, payload: encode(h.event(r, id, body)), cause: meter.FunctionURL},
	)
	switch {
	case isThrottled(err):
		h.fail(w, http.StatusTooManyRequests, "Rate Exceeded.")
	case err != nil || result.FunctionError != "":
		h.fail(w, http.StatusBadGateway, "Internal Server Error")
	default:
		h.write(w, id, result)
	}
}

// urlEvent is events.LambdaFunctionURLRequest of aws-lambda-go, plus the constant fields that it
// leaves out.
type urlEvent struct {
	Version               string            `json:"version"`
	RouteKey              string            `json:"routeKey"`
	RawPath               string            `json:"rawPath"`
	RawQueryString        string            `json:"rawQueryString"`
	Cookies               []string          `json:"cookies,omitempty"`
	Headers               map[string]string `json:"headers"`
	QueryStringParameters map[string]string `json:"queryStringParameters,omitempty"`
	RequestContext        urlContext        `json:"requestContext"`
	Body                  string            `json:"body,omitempty"`
	IsBase64Encoded       bool              `json:"isBase64Encoded"`
}

type urlContext struct {
	AccountID    string  `json:"accountId"` // "anonymous" on URLs without authentication
	APIID        string  `json:"apiId"`
	DomainName   string  `json:"domainName"`
	DomainPrefix string  `json:"domainPrefix"`
	HTTP         urlHTTP `json:"http"`
	RequestID    string  `json:"requestId"`
	RouteKey     string  `json:"routeKey"`
	Stage        string  `json:"stage"`
	Time         string  `json:"time"`
	TimeEpoch    int64   `json:"timeEpoch"`
}

type urlHTTP struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

func (h *urlHandler) event(r *http.Request, id string, body []byte) urlEvent {
	opts := &h.function.service.opts
	now := opts.Now().UTC()
	source, port := "", "80"
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		source = host
	}
	if r.TLS != nil {
		port = "443"
	}
	e := urlEvent{
		Version:               "2.0",
		RouteKey:              "$default",
		RawPath:               r.URL.EscapedPath(),
		RawQueryString:        r.URL.RawQuery,
		Headers:               make(map[string]string, len(r.Header)+5),
		QueryStringParameters: joinedQuery(r.URL.RawQuery),
		RequestContext: urlContext{
			AccountID:    "anonymous",
			APIID:        h.id,
			DomainName:   h.id + ".lambda-url." + opts.Region + ".on.aws",
			DomainPrefix: h.id,
			HTTP: urlHTTP{
				Method:    r.Method,
				Path:      r.URL.EscapedPath(),
				Protocol:  r.Proto,
				SourceIP:  source,
				UserAgent: r.UserAgent(),
			},
			RequestID: id,
			RouteKey:  "$default",
			Stage:     "$default",
			Time:      now.Format("02/Jan/2006:15:04:05 -0700"),
			TimeEpoch: now.UnixMilli(),
		},
	}
	for name, values := range r.Header {
		e.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	delete(e.Headers, "cookie")
	for _, cookies := range r.Header["Cookie"] {
		for c := range strings.SplitSeq(cookies, ";") {
			e.Cookies = append(e.Cookies, strings.TrimSpace(c))
		}
	}
	e.Headers["host"] = r.Host
	e.Headers["x-amzn-trace-id"] = newTraceID(now)
	e.Headers["x-forwarded-proto"] = map[string]string{"80": "http", "443": "https"}[port]
	e.Headers["x-forwarded-port"] = port
	e.Headers["x-forwarded-for"] = strings.TrimPrefix(e.Headers["x-forwarded-for"]+","+source, ",")
	if len(body) > 0 && isText(r.Header.Get("Content-Type")) && utf8.Valid(body) {
		e.Body = string(body)
	} else if len(body) > 0 {
		e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return e
}

// joinedQuery decodes a query. The values of a repeated name are joined by commas.
func joinedQuery(raw string) map[string]string {
	values, _ := url.ParseQuery(raw) // pairs that cannot be decoded are only in rawQueryString
	joined := make(map[string]string, len(values))
	for name, v := range values {
		joined[name] = strings.Join(v, ",")
	}
	return joined
}

// isText reports whether a body of this type goes into the event unencoded. A form does not.
func isText(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	switch t {
	case "application/json", "application/javascript", "application/xml":
		return true
	}
	return strings.HasPrefix(t, "text/")
}

// urlResponse is a function's response in payload format 2.0.
type urlResponse struct {
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	Cookies         []string          `json:"cookies"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

// write answers the client with the function's response.
func (h *urlHandler) write(w http.ResponseWriter, id string, result Result) {
	res, body, err := parseURLResponse(result)
	if err != nil {
		h.function.service.opts.Log.Warn("response of function URL refused",
			"function", h.function.spec.FunctionName, "error", err)
		h.fail(w, http.StatusBadGateway, "Internal Server Error")
		return
	}
	header := w.Header()
	for name, value := range res.Headers {
		switch http.CanonicalHeaderKey(name) {
		case "Content-Length", "Transfer-Encoding", "Connection": // net/http sets these
		default:
			header.Set(name, value)
		}
	}
	for _, cookie := range res.Cookies {
		header.Add("Set-Cookie", cookie)
	}
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/json")
	}
	header.Set("X-Amzn-Requestid", id)
	w.WriteHeader(res.StatusCode)
	h.send(w, body)
}

// parseURLResponse reads the three forms of a response: an object with a statusCode; any other
// JSON, which becomes the body of a 200; and aws-lambda-go's LambdaFunctionURLStreamingResponse,
// whose head and body are separated by eight zero bytes.
func parseURLResponse(result Result) (res urlResponse, body []byte, err error) {
	if result.contentType == "application/vnd.awslambda.http-integration-response" {
		head, body, _ := bytes.Cut(result.Payload, make([]byte, 8))
		if err := json.Unmarshal(head, &res); err != nil {
			return res, nil, fmt.Errorf("read the head: %w", err)
		}
		return res, body, res.check()
	}
	if !hasStatus(result.Payload) {
		if !json.Valid(result.Payload) {
			return res, nil, errors.New("not JSON")
		}
		return urlResponse{StatusCode: http.StatusOK}, result.Payload, nil
	}
	if err := json.Unmarshal(result.Payload, &res); err != nil {
		return res, nil, fmt.Errorf("read the response: %w", err)
	}
	body = []byte(res.Body)
	if res.IsBase64Encoded {
		if body, err = base64.StdEncoding.DecodeString(res.Body); err != nil {
			return res, nil, fmt.Errorf("read the body: %w", err)
		}
	}
	return res, body, res.check()
}

// hasStatus reports whether a response is an object with a statusCode.
func hasStatus(response []byte) bool {
	var probe struct {
		StatusCode json.RawMessage `json:"statusCode"`
	}
	return json.Unmarshal(response, &probe) == nil && probe.StatusCode != nil
}

func (r urlResponse) check() error {
	if r.StatusCode < 200 || r.StatusCode > 599 {
		return fmt.Errorf("statusCode %d", r.StatusCode)
	}
	return nil
}

// fail answers with an error of the function URL itself.
func (h *urlHandler) fail(w http.ResponseWriter, status int, message string) {
	w.Header()["Content-Type"] = []string{"application/json"}
	w.WriteHeader(status)
	h.send(w, encode(map[string]string{"Message": message}))
}

// send writes a body and counts its bytes.
func (h *urlHandler) send(w http.ResponseWriter, body []byte) {
	n, _ := w.Write(body) // an error means that the client has gone
	h.function.count(meter.URLBytes, meter.FunctionURL, float64(n))
}
