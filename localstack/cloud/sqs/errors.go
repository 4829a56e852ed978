package sqs

import (
	"errors"
	"fmt"
	"net/http"

	"hark/localstack/cloud/iam"
)

// Error is a refusal in AWS's words.
type Error struct {
	Type string // the name in the JSON protocol, as in __type
	// Code is the name in the query protocol. SDKs report it; they take it from the header
	// x-amzn-query-error.
	Code    string
	Message string
	Status  int // HTTP status
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

const (
	model = "com.amazonaws.sqs#"        // errors of SQS's own model
	coral = "com.amazon.coral.service#" // errors of the framework that AWS builds services with
	query = "AWS.SimpleQueueService."   // the query protocol's prefix for most of SQS's own
)

func refuse(typ, code, format string, args ...any) *Error {
	return &Error{
		Type: typ, Code: code, Message: fmt.Sprintf(format, args...), Status: http.StatusBadRequest,
	}
}

func errInvalid(format string, args ...any) *Error {
	return refuse(coral+"InvalidParameterValueException", "InvalidParameterValue", format, args...)
}

// errValue refuses the value of a parameter in AWS's usual form.
func errValue(value any, parameter, reason string) *Error {
	return errInvalid("Value %v for parameter %s is invalid. Reason: %s", value, parameter, reason)
}

func errMissing(parameter string) *Error {
	return refuse(coral+"MissingRequiredParameterException", "MissingParameter",
		"The request must contain the parameter %s.", parameter)
}

func errNoQueue() *Error {
	return refuse(
		model+"QueueDoesNotExist", query+"NonExistentQueue", "The specified queue does not exist.",
	)
}

func errAddress(queueURL string) *Error {
	return refuse(
		model+"InvalidAddress", "InvalidAddress", "The address %s is not valid for this endpoint.",
		queueURL,
	)
}

func errReceipt(handle string) *Error {
	return refuse(model+"ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid",
		"The input receipt handle %q is not a valid receipt handle.", handle)
}

func errSerialization(err error) *Error {
	return refuse(
		coral+"SerializationException", "MalformedInput",
		"The request is not as AWS JSON 1.0 has it: %v", err,
	)
}

func errOperation(name string) *Error {
	return refuse(coral+"UnknownOperationException", "InvalidAction",
		"%s is not part of the local cloud, whose queues come from the template; "+
			"scripts/localstack deploys to an emulator that has it.", name)
}

// asError returns the answer for any error of an operation.
func asError(err error) *Error {
	var known *Error
	var denied *iam.Denied
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &denied):
		e := refuse(coral+"AccessDeniedException", "AccessDenied", "%s", denied)
		e.Status = http.StatusForbidden
		return e
	default:
		e := refuse(model+"InternalError", "InternalError", "%s", err)
		e.Status = http.StatusInternalServerError
		return e
	}
}
