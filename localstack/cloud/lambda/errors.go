package lambda

import (
	"errors"
	"fmt"
	"net/http"

	"hark/localstack/cloud/iam"
)

// ErrClosed is returned for invocations that Close has ended.
var ErrClosed = errors.New("lambda: service closed")

// Error means that Lambda refused an invocation. If the function itself fails there is no error but
// a Result.
type Error struct {
	Status  int    // HTTP status
	Code    string // the exception's name in AWS's API, such as ResourceNotFoundException
	Message string
	Reason  string // of TooManyRequestsException
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func notFound(arn string) *Error {
	return &Error{
		Status:  http.StatusNotFound,
		Code:    "ResourceNotFoundException",
		Message: "Function not found: " + arn,
	}
}

func conflict(arn string) *Error {
	return &Error{
		Status:  http.StatusConflict,
		Code:    "ResourceConflictException",
		Message: "Function already exist: " + arn,
	}
}

func throttled() *Error {
	return &Error{
		Status:  http.StatusTooManyRequests,
		Code:    "TooManyRequestsException",
		Message: "Rate Exceeded.",
		Reason:  "ReservedFunctionConcurrentInvocationLimitExceeded",
	}
}

func invalidParameter(format string, args ...any) *Error {
	return &Error{
		Status:  http.StatusBadRequest,
		Code:    "InvalidParameterValueException",
		Message: fmt.Sprintf(format, args...),
	}
}

func tooLarge(message string) *Error {
	return &Error{
		Status:  http.StatusRequestEntityTooLarge,
		Code:    "RequestTooLargeException",
		Message: message,
	}
}

// writeError answers in the form of Lambda's REST API: the code in a header, the rest as JSON.
func writeError(w http.ResponseWriter, err error) {
	var e *Error
	var denied *iam.Denied
	switch {
	case errors.As(err, &e):
	case errors.As(err, &denied):
		e = &Error{
			Status: http.StatusForbidden, Code: "AccessDeniedException", Message: denied.Error(),
		}
	default:
		e = &Error{
			Status: http.StatusInternalServerError, Code: "ServiceException", Message: err.Error(),
		}
	}
	body := map[string]string{"Type": "User", "Message": e.Message}
	if e.Status >= http.StatusInternalServerError {
		body["Type"] = "Server"
	}
	if e.Reason != "" { // AWS spells the members of this exception differently
		body = map[string]string{"Type": "User", "message": e.Message, "Reason": e.Reason}
	}
	w.Header().Set("X-Amzn-ErrorType", e.Code)
	writeJSON(w, e.Status, body)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header()["Content-Type"] = []string{"application/json"}
	w.WriteHeader(status)
	_, _ = w.Write(encode(v)) // an error means that the client has gone
}
