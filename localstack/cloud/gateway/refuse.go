package gateway

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
)

// API Gateway's messages for requests that it does not pass on.
const (
	forbidden       = "Forbidden"
	internalError   = "Internal server error"
	timedOut        = "Endpoint request timed out"
	tooManyRequests = "Too Many Requests"
)

// errorBody is API Gateway's error JSON, with the order and spaces of AWS.
type errorBody struct {
	Message      string
	ConnectionID string
	RequestID    string
}

func (b errorBody) encode() []byte {
	if b.Message == "" {
		return nil
	}
	if b.ConnectionID == "" && b.RequestID == "" {
		return fmt.Appendf(nil, `{"message":%s}`, quote(b.Message))
	}
	return fmt.Appendf(nil, `{"message": %s, "connectionId":%s, "requestId":%s}`,
		quote(b.Message), quote(b.ConnectionID), quote(b.RequestID))
}

func quote(s string) []byte {
	b, _ := json.Marshal(s) // a string always encodes
	return b
}

// refuse answers an HTTP request with an error. SDKs take the name of the error from errorType.
func refuse(w http.ResponseWriter, status int, errorType string, body errorBody) {
	h := w.Header()
	if errorType != "" {
		h["X-Amzn-Errortype"] = []string{errorType}
	}
	h["X-Amzn-Requestid"] = []string{cmp.Or(body.RequestID, newID(kindRequest))}
	b := body.encode()
	if b != nil {
		h["Content-Type"] = []string{"application/json"}
	}
	w.WriteHeader(status)
	_, _ = w.Write(b) // an error means that the caller has gone
}
