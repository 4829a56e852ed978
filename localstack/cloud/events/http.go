package events

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/iam"
)

const (
	target      = "AWSEvents."
	opPutEvents = "PutEvents"
	maxRequest  = 8 << 20 // bytes: the largest entries with every character escaped
)

// apiError is a refusal in AWS's words.
type apiError struct {
	status        int
	code, message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func invalid(message string) error {
	return &apiError{http.StatusBadRequest, "ValidationException", message}
}

// ServeHTTP answers a request of the AWS JSON 1.1 protocol: a POST with X-Amz-Target
// AWSEvents.PutEvents. The caller's role is in its context (iam.WithRole).
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), target)
	s.opts.Faults.Serve(
		w, r, faults.Place{Service: faults.EventBridge, Operation: operation},
		s.refuseByFault, s.answer,
	)
}

// refuseByFault answers as EventBridge does when it throttles (with 400) or fails.
func (s *Service) refuseByFault(w http.ResponseWriter, status int) {
	if status == http.StatusTooManyRequests {
		s.reply(w, nil, &apiError{http.StatusBadRequest, "ThrottlingException", "Rate exceeded"})
		return
	}
	message := "A fault that is set answers " + strconv.Itoa(status) + "."
	s.reply(w, nil, &apiError{status, "InternalException", message})
}

// answer executes the request and answers it.
func (s *Service) answer(w http.ResponseWriter, r *http.Request) {
	out, err := s.serve(w, r)
	s.reply(w, out, err)
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request) (any, error) {
	if r.Method != http.MethodPost || r.Header.Get("X-Amz-Target") != target+opPutEvents {
		return nil, &apiError{
			http.StatusBadRequest, "UnknownOperationException",
			r.Header.Get("X-Amz-Target") + " is not part of the local cloud, " +
				"whose buses and rules come from the template: it has PutEvents",
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		return nil, &apiError{http.StatusBadRequest, "SerializationException", err.Error()}
	}
	var in putInput
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, &apiError{http.StatusBadRequest, "SerializationException", err.Error()}
	}
	return s.putEvents(r.Context(), in)
}

// reply answers with out, or with the error.
func (s *Service) reply(w http.ResponseWriter, out any, err error) {
	status := http.StatusOK
	if err != nil {
		failure := asAPIError(err)
		status = failure.status
		out = map[string]string{"__type": failure.code, "message": failure.message}
	}
	body, err := json.Marshal(out)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/x-amz-json-1.1")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Amzn-Requestid", newID())
	w.WriteHeader(status)
	_, _ = w.Write(body) // an error means that the caller has gone
}

func asAPIError(err error) *apiError {
	var known *apiError
	var denied *iam.Denied
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &denied):
		return &apiError{http.StatusBadRequest, "AccessDeniedException", denied.Error()}
	default:
		return &apiError{http.StatusInternalServerError, "InternalException", err.Error()}
	}
}
