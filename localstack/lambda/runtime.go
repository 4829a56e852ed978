package lambda

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const (
	invocationPath = "/2018-06-01/runtime/invocation/"
	initErrorPath  = "/2018-06-01/runtime/init/error"
	extensionPath  = "/2020-01-01/extension/"

	// How aws-lambda-go reports an error in the middle of a response, as a trailer.
	errorTypeTrailer = "Lambda-Runtime-Function-Error-Type"
	errorBodyTrailer = "Lambda-Runtime-Function-Error-Body"
)

// ServeHTTP is the Runtime API of one process, and as much of the Extensions API as aws-lambda-go's own extension needs to
// get its SIGTERM.
func (p *process) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if call, ok := strings.CutPrefix(path, invocationPath); ok {
		id, verb, _ := strings.Cut(call, "/")
		switch {
		case r.Method == http.MethodGet && call == "next":
			p.next(w, r)
			return
		case r.Method == http.MethodPost && verb == "response":
			p.respond(w, r, id, "")
			return
		case r.Method == http.MethodPost && verb == "error":
			p.respond(w, r, id, "Unhandled")
			return
		}
	}
	switch {
	case r.Method == http.MethodPost && path == initErrorPath:
		p.initFailed(w, r)
	case r.Method == http.MethodPost && path == extensionPath+"register":
		p.register(w)
	case r.Method == http.MethodGet && path == extensionPath+"event/next":
		<-r.Context().Done() // until the process ends
	default:
		refuse(w, http.StatusNotFound, "InvalidPath", "no such call of the Runtime API: "+r.Method+" "+path)
	}
}

// next gives the process its next invocation, when there is one. Asking for it ends the one before.
func (p *process) next(w http.ResponseWriter, r *http.Request) {
	f := p.function
	inv := f.ready(p)
	if inv == nil {
		select {
		case inv = <-p.work:
		case <-r.Context().Done():
			return
		}
	}
	deadline := f.begin(p, inv)
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Lambda-Runtime-Aws-Request-Id"] = []string{inv.id}
	h["Lambda-Runtime-Deadline-Ms"] = []string{strconv.FormatInt(deadline.UnixMilli(), 10)}
	h["Lambda-Runtime-Invoked-Function-Arn"] = []string{f.arn}
	h["Lambda-Runtime-Trace-Id"] = []string{newTraceID(inv.began)}
	h["Content-Length"] = []string{strconv.Itoa(len(inv.payload))}
	_, _ = w.Write(inv.payload) // a process that cannot read it has ended, and its exit fails the invocation
}

// respond takes the result of the process's invocation. A streamed response counts when its end has come.
func (p *process) respond(w http.ResponseWriter, r *http.Request, id, functionError string) {
	payload, err := readPayload(r)
	if errors.Is(err, errPayloadSize) {
		p.function.answer(p, id, failure("Function.ResponseSizeTooLarge",
			fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxPayload)))
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", err.Error())
		return
	}
	if err != nil {
		return // the process died while it posted; its exit fails the invocation
	}
	result := Result{Payload: payload, FunctionError: functionError, contentType: r.Header.Get("Content-Type")}
	if r.Trailer.Get(errorTypeTrailer) != "" {
		result.FunctionError = "Unhandled"
		if result.Payload, err = base64.StdEncoding.DecodeString(r.Trailer.Get(errorBodyTrailer)); err != nil {
			result = failure(r.Trailer.Get(errorTypeTrailer), "the function's response broke off")
		}
	}
	if result.FunctionError != "" {
		p.output.flush()
		p.output.show()
	}
	if p.function.wantsTail(p) {
		p.output.flush()
		result.log = p.output.last()
	}
	if !p.function.answer(p, id, result) {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	accept(w)
}

// initFailed takes the error with which the process gives up before its first invocation, and ends it.
func (p *process) initFailed(w http.ResponseWriter, r *http.Request) {
	payload, err := readPayload(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, "InvalidRequest", err.Error())
		return
	}
	p.function.mu.Lock()
	ready := p.ready
	if !ready {
		p.initErr = payload
	}
	p.function.mu.Unlock()
	if ready {
		refuse(w, http.StatusForbidden, "InvalidStateTransition", "the runtime is initialized")
		return
	}
	accept(w)
	p.kill(errInit)
}

func (p *process) register(w http.ResponseWriter) {
	w.Header().Set("Lambda-Extension-Identifier", newUUID())
	writeJSON(w, http.StatusOK, map[string]string{
		"functionName": p.function.spec.FunctionName, "functionVersion": latest, "handler": p.function.spec.Handler,
	})
}

var errPayloadSize = errors.New("the payload is too large")

// readPayload reads a body of at most maxPayload bytes.
func readPayload(r *http.Request) ([]byte, error) {
	if r.ContentLength > maxPayload {
		return nil, errPayloadSize
	}
	payload, err := io.ReadAll(io.LimitReader(r.Body, maxPayload+1))
	if err != nil {
		return nil, fmt.Errorf("read the payload: %w", err)
	}
	if len(payload) > maxPayload {
		return nil, errPayloadSize
	}
	return payload, nil
}

func accept(w http.ResponseWriter) {
	writeJSON(w, http.StatusAccepted, map[string]string{"status": "OK"})
}

func refuse(w http.ResponseWriter, status int, errorType, message string) {
	writeJSON(w, status, map[string]string{"errorType": errorType, "errorMessage": message})
}
