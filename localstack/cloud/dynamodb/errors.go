package dynamodb

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"

	"hark/localstack/cloud/dynamodb/attr"
	"hark/localstack/cloud/iam"
)

// The error codes in use, with the namespaces that AWS puts before them. SDKs drop the part before
// the #.
const (
	codeValidation    = "com.amazon.coral.validate#ValidationException"
	codeSerialization = "com.amazon.coral.service#SerializationException"
	codeUnknown       = "com.amazon.coral.service#UnknownOperationException"
	codeDenied        = "com.amazon.coral.service#AccessDeniedException"
	codeNotFound      = "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"
	codeCondition     = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"
	codeCanceled      = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException"
	codeMismatch      = "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException"
	codeInternal      = "com.amazonaws.dynamodb.v20120810#InternalServerError"
	codeThrottling    = "com.amazon.coral.availability#ThrottlingException"
	codeUnavailable   = "com.amazon.coral.availability#ServiceUnavailableException"
)

// apiError is an error answer.
type apiError struct {
	code, message string
	item          attr.Map // of a failed condition, if the request asked for it
	reasons       []reason // of a canceled transaction, one for each item
	httpStatus    int      // 0: 500 for codeInternal, 400 for others
}

func (e *apiError) Error() string { return e.message }

// reason is the outcome of one item of a canceled transaction.
type reason struct {
	Code    string
	Message string   `json:",omitempty"`
	Item    attr.Map `json:",omitempty"`
}

// invalid returns a ValidationException.
func invalid(message string) error { return attr.Invalid(message) }

// errCondition returns the failure of a condition. shown is the item for the answer, nil for none.
func errCondition(shown attr.Map) *apiError {
	return &apiError{code: codeCondition, message: "The conditional request failed", item: shown}
}

// asAPIError returns the answer for any error of an operation.
func asAPIError(err error) *apiError {
	var (
		api    *apiError
		bad    attr.Invalid
		denied *iam.Denied
	)
	switch {
	case errors.As(err, &api):
		return api
	case errors.As(err, &bad):
		return &apiError{code: codeValidation, message: string(bad)}
	case errors.As(err, &denied):
		return &apiError{code: codeDenied, message: denied.Error()}
	}
	return &apiError{code: codeInternal, message: err.Error()}
}

func (e *apiError) status() int {
	if e.code == codeInternal {
		return cmp.Or(e.httpStatus, http.StatusInternalServerError)
	}
	return cmp.Or(e.httpStatus, http.StatusBadRequest)
}

func (e *apiError) body() ([]byte, error) {
	return json.Marshal(struct {
		Type    string   `json:"__type"`
		Message string   `json:"message"`
		Item    attr.Map `json:",omitempty"`
		Reasons []reason `json:"CancellationReasons,omitempty"`
	}{e.code, e.message, e.item, e.reasons})
}
