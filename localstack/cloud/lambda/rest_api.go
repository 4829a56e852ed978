package lambda

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"hark/localstack/cloud/iam"
	"hark/localstack/cloud/meter"
)

const functionsPath = "/2015-03-31/functions"

// ServeHTTP serves the part of Lambda's REST API that the aws CLI needs: Invoke, ListFunctions,
// GetFunction and GetFunctionConfiguration. Other calls are refused by name.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, _ := strings.CutPrefix(r.URL.Path, functionsPath)
	name, call, _ := strings.Cut(strings.Trim(path, "/"), "/")
	if q := r.URL.Query().Get("Qualifier"); q != "" {
		name += ":" + q
	}
	switch {
	case r.Method == http.MethodPost && call == "invocations":
		s.serveInvoke(w, r, name)
	case r.Method == http.MethodGet && name == "":
		s.serveList(w, r)
	case r.Method == http.MethodGet && (call == "" || call == "configuration"):
		s.serveFunction(w, r, name, call == "")
	default:
		writeError(w, &Error{
			Status: http.StatusNotImplemented, Code: "UnknownOperationException",
			Message: r.Method + " " + r.URL.Path + " is not supported by the local cloud",
		})
	}
}

func (s *Service) serveInvoke(w http.ResponseWriter, r *http.Request, name string) {
	payload, err := readPayload(r)
	switch {
	case errors.Is(err, errPayloadSize):
		err = tooLarge(fmt.Sprintf(
			"Request must be smaller than %d bytes for the InvokeFunction operation", maxPayload,
		))
	case err == nil && len(payload) == 0:
		payload = []byte("{}")
	case err == nil && !json.Valid(payload):
		err = &Error{
			Status: http.StatusBadRequest, Code: "InvalidRequestContentException",
			Message: "Could not parse request body into json",
		}
	}
	if err != nil {
		writeError(w, err)
		return
	}
	switch kind := r.Header.Get("X-Amz-Invocation-Type"); kind {
	case "", "RequestResponse":
		s.serveSync(w, r, name, payload)
	case "Event":
		s.answerEmpty(w, http.StatusAccepted, s.InvokeAsync(r.Context(), name, payload))
	case "DryRun":
		_, err := s.authorize(r.Context(), name)
		s.answerEmpty(w, http.StatusNoContent, err)
	default:
		writeError(
			w,
			invalidParameter(
				"Value %q at 'invocationType' is none of Event, RequestResponse, DryRun", kind,
			),
		)
	}
}

func (s *Service) answerEmpty(w http.ResponseWriter, status int, err error) {
	if err != nil {
		writeError(w, err)
		return
	}
	w.WriteHeader(status)
}

func (s *Service) serveSync(w http.ResponseWriter, r *http.Request, name string, payload []byte) {
	f, err := s.authorize(r.Context(), name)
	if err != nil {
		writeError(w, err)
		return
	}
	inv := &invocation{
		id:      newUUID(),
		payload: payload,
		cause:   meter.Invoke,
		tail:    r.Header.Get("X-Amz-Log-Type") == "Tail",
	}
	result, err := f.invoke(r.Context(), inv)
	if err != nil {
		writeError(w, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Amzn-Requestid", inv.id)
	h.Set("X-Amz-Executed-Version", latest)
	if result.FunctionError != "" {
		h.Set("X-Amz-Function-Error", result.FunctionError)
	}
	if inv.tail {
		h.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(result.log))
	}
	_, _ = w.Write(result.Payload)
}

func (s *Service) serveList(w http.ResponseWriter, r *http.Request) {
	if err := iam.Check(r.Context(), "lambda:ListFunctions", "*"); err != nil {
		writeError(w, err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]map[string]any, 0, len(s.functions))
	for _, name := range slices.Sorted(maps.Keys(s.functions)) {
		list = append(list, s.functions[name].configuration())
	}
	writeJSON(w, http.StatusOK, map[string]any{"Functions": list})
}

// serveFunction answers GetFunction if whole is true, else GetFunctionConfiguration.
func (s *Service) serveFunction(w http.ResponseWriter, r *http.Request, name string, whole bool) {
	f, err := s.function(name)
	if err != nil {
		writeError(w, err)
		return
	}
	action := "lambda:GetFunctionConfiguration"
	if whole {
		action = "lambda:GetFunction"
	}
	if err := iam.Check(r.Context(), action, f.arn); err != nil {
		writeError(w, err)
		return
	}
	if !whole {
		writeJSON(w, http.StatusOK, f.configuration())
		return
	}
	answer := map[string]any{
		"Configuration": f.configuration(),
		"Code":          map[string]string{"Location": "file://" + f.spec.Binary},
	}
	if reserved := f.spec.ReservedConcurrentExecutions; reserved != nil {
		answer["Concurrency"] = map[string]int{"ReservedConcurrentExecutions": *reserved}
	}
	writeJSON(w, http.StatusOK, answer)
}

// configuration is the function in the form of AWS's FunctionConfiguration.
func (f *function) configuration() map[string]any {
	c := map[string]any{
		"FunctionName": f.spec.FunctionName,
		"FunctionArn":  f.arn,
		"Description":  f.spec.Description,
		"Handler":      f.spec.Handler,
		"Runtime":      f.spec.Runtime,
		"Timeout":      f.spec.Timeout,
		"MemorySize":   f.spec.MemorySize,
		"PackageType":  "Zip",
		"Version":      latest,
		"State":        "Active",
		"LastModified": f.created.UTC().Format("2006-01-02T15:04:05.000-0700"),
	}
	if f.spec.Role != nil {
		c["Role"] = "arn:aws:iam::" + f.service.opts.Account + ":role/" + f.spec.Role.Name
	}
	if len(f.spec.Environment.Variables) > 0 {
		c["Environment"] = f.spec.Environment
	}
	return c
}
