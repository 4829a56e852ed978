package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gobwas/ws"
)

// event is what a function is invoked with. Its fields are those that API Gateway sends, as
// recorded in aws-lambda-go's events/testdata/apigw-websocket-request*.json.
type event struct {
	Headers           map[string]string   `json:"headers,omitempty"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders,omitempty"`
	Query             map[string]string   `json:"queryStringParameters,omitempty"`
	MultiValueQuery   map[string][]string `json:"multiValueQueryStringParameters,omitempty"`
	RequestContext    requestContext      `json:"requestContext"`
	Body              *string             `json:"body,omitempty"`
	IsBase64Encoded   bool                `json:"isBase64Encoded"`
}

type requestContext struct {
	RouteKey             string        `json:"routeKey"`
	MessageID            string        `json:"messageId,omitempty"`
	DisconnectStatusCode ws.StatusCode `json:"disconnectStatusCode,omitempty"`
	EventType            string        `json:"eventType"`
	ExtendedRequestID    string        `json:"extendedRequestId"`
	RequestTime          string        `json:"requestTime"`
	MessageDirection     string        `json:"messageDirection"`
	DisconnectReason     *string       `json:"disconnectReason,omitempty"`
	Stage                string        `json:"stage"`
	ConnectedAt          int64         `json:"connectedAt"`
	RequestTimeEpoch     int64         `json:"requestTimeEpoch"`
	Identity             identity      `json:"identity"`
	RequestID            string        `json:"requestId"`
	DomainName           string        `json:"domainName"`
	ConnectionID         string        `json:"connectionId"`
	APIID                string        `json:"apiId"`
}

type identity struct {
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent,omitempty"`
}

// requestTimeLayout is the layout of requestTime: 20/Jan/2024:11:55:08 +0000.
const requestTimeLayout = "02/Jan/2006:15:04:05 -0700"

// context returns what all events of a connection have. On one connection requestTimeEpoch never
// decreases from one call to the next.
func (c *conn) context(routeKey, eventType string) requestContext {
	now := c.stamp()
	id := newID(kindRequest)
	return requestContext{
		RouteKey:          routeKey,
		EventType:         eventType,
		ExtendedRequestID: id,
		RequestTime:       now.UTC().Format(requestTimeLayout),
		MessageDirection:  "IN",
		Stage:             c.api.stage,
		ConnectedAt:       c.connectedAt.UnixMilli(),
		RequestTimeEpoch:  now.UnixMilli(),
		Identity:          c.identity,
		RequestID:         id,
		DomainName:        c.api.domain,
		ConnectionID:      c.id,
		APIID:             c.api.id,
	}
}

// stamp returns the time of the next event.
func (c *conn) stamp() time.Time {
	now := c.api.opts.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.After(c.stamped) {
		c.stamped = now
	}
	return c.stamped
}

// connectEvent is the only event with the client's headers and query.
func (c *conn) connectEvent(r *http.Request) event {
	e := event{RequestContext: c.context(routeConnect, "CONNECT")}
	e.MultiValueHeaders = connectHeaders(r, c.identity.SourceIP)
	e.Headers = lastOfEach(e.MultiValueHeaders)
	// Pairs that cannot be read are left out.
	if query, _ := url.ParseQuery(r.URL.RawQuery); len(query) > 0 {
		e.MultiValueQuery = query
		e.Query = lastOfEach(query)
	}
	return e
}

func (c *conn) messageEvent(routeKey string, message []byte) event {
	body := string(message)
	e := event{RequestContext: c.context(routeKey, "MESSAGE"), Body: &body}
	e.RequestContext.MessageID = newID(kindConnection)
	return e
}

func (c *conn) disconnectEvent(code ws.StatusCode, reason string) event {
	e := event{RequestContext: c.context(routeDisconnect, "DISCONNECT")}
	e.RequestContext.DisconnectStatusCode = code
	e.RequestContext.DisconnectReason = &reason
	e.Headers = map[string]string{
		"Host": c.api.domain, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": "",
	}
	e.MultiValueHeaders = make(map[string][]string, len(e.Headers))
	for name, value := range e.Headers {
		e.MultiValueHeaders[name] = []string{value}
	}
	return e
}

func (e event) encode() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// connectHeaders returns the headers of a handshake as API Gateway passes them on: it adds some,
// and leaves out those of the hop. net/http has normalized their names; functions must not depend
// on the case.
func connectHeaders(r *http.Request, peer string) map[string][]string {
	headers := make(map[string][]string, len(r.Header)+5)
	for name, values := range r.Header {
		switch name {
		case "Connection", "Upgrade", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding":
			continue
		}
		if rest, ok := strings.CutPrefix(name, "Sec-Websocket-"); ok {
			name = "Sec-WebSocket-" + rest
		}
		headers[name] = values
	}
	headers["Host"] = []string{r.Host}
	headers["X-Amzn-Trace-Id"] = []string{traceID()}
	headers["X-Forwarded-For"] = []string{
		strings.Join(append(slices.Clone(r.Header["X-Forwarded-For"]), peer), ", "),
	}
	headers["X-Forwarded-Port"] = []string{"443"}
	headers["X-Forwarded-Proto"] = []string{"https"}
	return headers
}

func lastOfEach(m map[string][]string) map[string]string {
	last := make(map[string]string, len(m))
	for name, values := range m {
		if len(values) > 0 {
			last[name] = values[len(values)-1]
		}
	}
	return last
}
