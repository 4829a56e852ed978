package gateway

import (
	"crypto/sha1" //nolint:gosec // RFC 6455 §1.3 asks for it
	"encoding/base64"
	"net"
	"net/http"
	"strings"

	"hark/localstack/cloud/meter"
)

// Socket serves the WebSocket endpoint of an API, which is
// wss://{api}.execute-api.{region}.amazonaws.com on AWS. The path is /{stage} or /{stage}/; any
// other is answered 403 (docs/aws.md §A3).
//
// The function of $connect runs first and decides: a 2xx status opens the connection, any other
// becomes the status of the handshake. Its body is dropped. A function that fails is answered 502,
// a slow one 504, a throttled route 429. Without a $connect route everybody may connect. The source
// IP is the peer's: behind a proxy, the proxy's.
func (s *Service) Socket(apiID string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := s.api(apiID)
		if a == nil || r.URL.Path != "/"+a.stage && r.URL.Path != "/"+a.stage+"/" {
			refuse(w, http.StatusForbidden, "ForbiddenException", errorBody{Message: forbidden})
			return
		}
		if status, message := checkUpgrade(r); status != 0 {
			w.Header().Set("Sec-WebSocket-Version", "13")
			refuse(w, status, "", errorBody{Message: message})
			return
		}
		if !s.begin() {
			refuse(w, http.StatusServiceUnavailable, "", errorBody{Message: "Service Unavailable"})
			return
		}
		defer s.running.Done()
		a.accept(w, r)
	})
}

// accept invokes $connect and opens the connection.
func (a *api) accept(w http.ResponseWriter, r *http.Request) {
	c := newConn(a, r)
	protocol, refused := a.connect(c, r)
	if refused != nil {
		if refused.Message != "" {
			a.opts.Meter.Add(meter.OwnErrors, a.routes[routeConnect].by(), 1)
		}
		refuse(w, refused.status, "", refused.errorBody)
		return
	}
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		a.opts.Log.Error("socket cannot be taken over", "error", err)
		refuse(w, http.StatusInternalServerError, "", errorBody{Message: internalError})
		return
	}
	c.open(nc, rw.Reader, switchingProtocols(r.Header.Get("Sec-WebSocket-Key"), protocol))
}

// refusal is the answer to a handshake that opens no connection.
type refusal struct {
	status int
	errorBody
}

// connect invokes $connect. It returns the subprotocol that the function chose, or the refusal.
func (a *api) connect(c *conn, r *http.Request) (protocol string, refused *refusal) {
	route := a.routes[routeConnect]
	if route == nil {
		return "", nil
	}
	e := c.connectEvent(r)
	body := errorBody{ConnectionID: c.id, RequestID: e.RequestContext.RequestID}
	if !route.allow(a.opts.Now()) {
		body.Message = tooManyRequests
		return "", &refusal{http.StatusTooManyRequests, body}
	}
	// The invocation does not end when the client hangs up. Like all others it ends with the
	// service.
	out, failure := a.invoke(route, c.id, e)
	switch {
	case failure == timedOut:
		body.Message = failure
		return "", &refusal{http.StatusGatewayTimeout, body}
	case failure != "":
		body.Message = failure
		return "", &refusal{http.StatusBadGateway, body}
	case out.status() < 200 || out.status() > 299:
		return "", &refusal{status: out.status()}
	}
	return out.header("Sec-WebSocket-Protocol"), nil
}

// checkUpgrade returns the answer to a request that is no WebSocket handshake (RFC 6455 §4.2.1), or
// status 0 if it is one.
func checkUpgrade(r *http.Request) (status int, message string) {
	switch {
	case r.Method != http.MethodGet || !hasToken(r.Header["Connection"], "upgrade") ||
		!hasToken(r.Header["Upgrade"], "websocket") ||
		r.Header.Get("Sec-WebSocket-Version") != "13":
		return http.StatusUpgradeRequired, "Upgrade Required"
	case !validKey(r.Header.Get("Sec-WebSocket-Key")):
		return http.StatusBadRequest, "Bad Request"
	}
	return 0, ""
}

func hasToken(values []string, token string) bool {
	for _, value := range values {
		for t := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}

func validKey(key string) bool {
	b, err := base64.StdEncoding.DecodeString(key)
	return err == nil && len(b) == 16
}

// switchingProtocols is the 101 response.
func switchingProtocols(key, protocol string) []byte {
	const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
	accept := sha1.Sum([]byte(key + guid)) //nolint:gosec // as above
	b := []byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" +
		"Connection: Upgrade\r\nSec-WebSocket-Accept: ")
	b = base64.StdEncoding.AppendEncode(b, accept[:])
	if protocol != "" {
		protocol = strings.NewReplacer("\r", "", "\n", "").Replace(protocol)
		b = append(b, "\r\nSec-WebSocket-Protocol: "+protocol...)
	}
	return append(b, "\r\n\r\n"...)
}

// peerIP is the address of the peer.
func peerIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
