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

	// aws-lambda-go reports an error in the middle of a response in these trailers.
	errorTypeTrailer = "Lambda-Runtime-Function-Error-Type"
	errorBodyTrailer = "Lambda-Runtime-Function-Error-Body"
)

// call answers one request of the process: of the Runtime API, or of the part of the Extensions API
// that aws-lambda-go's own extension needs to get its SIGTERM. It reports false if the process
// ended before there was an answer.
func (p *process) call(r *http.Request) (reply, bool) {
	path := r.URL.Path
	if call, ok := strings.CutPrefix(path, invocationPath); ok {
		id, verb, _ := strings.Cut(call, "/")
		switch {
		case r.Method == http.MethodGet && call == "next":
			return p.next()
		case r.Method == http.MethodPost && verb == "response":
			return p.respond(r, id, "")
		case r.Method == http.MethodPost && verb == "error":
			return p.respond(r, id, "Unhandled")
		}
	}
	switch {
	case r.Method == http.MethodPost && path == initErrorPath:
		return p.initFailed(r)
	case r.Method == http.MethodPost && path == extensionPath+"register":
		return p.register(), true
	case r.Method == http.MethodGet && path == extensionPath+"event/next":
		<-p.ctx.Done() // there are no events for extensions
		return reply{}, false
	}
	return refusal(
		http.StatusNotFound, "InvalidPath", "no such call of the Runtime API: "+r.Method+" "+path,
	), true
}

// next answers with the next invocation, when there is one. Asking for it ends the invocation
// before.
func (p *process) next() (reply, bool) {
	f := p.function
	inv := f.ready(p)
	if inv == nil {
		select {
		case inv = <-p.work:
		case <-p.ctx.Done():
			return reply{}, false
		}
	}
	deadline := f.begin(p, inv)
	return reply{http.StatusOK, inv.payload, []string{
		"Lambda-Runtime-Aws-Request-Id", inv.id,
		"Lambda-Runtime-Deadline-Ms", strconv.FormatInt(deadline.UnixMilli(), 10),
		"Lambda-Runtime-Invoked-Function-Arn", f.arn,
		"Lambda-Runtime-Trace-Id", newTraceID(inv.began),
	}}, true
}

// respond takes the result of the process's invocation. A streamed response counts when its end has
// arrived.
func (p *process) respond(r *http.Request, id, functionError string) (reply, bool) {
	payload, err := readPayload(r)
	if errors.Is(err, errPayloadSize) {
		p.function.answer(p, id, failure("Function.ResponseSizeTooLarge",
			fmt.Sprintf(
				"Response payload size exceeded maximum allowed payload size (%d bytes).",
				maxPayload,
			)))
		return refusal(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", err.Error()), true
	}
	if err != nil {
		return reply{}, false // the process died while it posted; exited fails the invocation
	}
	result := Result{
		Payload: payload, FunctionError: functionError, contentType: r.Header.Get("Content-Type"),
	}
	if r.Trailer.Get(errorTypeTrailer) != "" {
		result.FunctionError = "Unhandled"
		result.Payload, err = base64.StdEncoding.DecodeString(r.Trailer.Get(errorBodyTrailer))
		if err != nil {
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
		return refusal(http.StatusBadRequest, "InvalidRequestID", "Invalid request ID"), true
	}
	return accepted(), true
}

// initFailed takes the error that the process posts if it cannot start, and kills it.
func (p *process) initFailed(r *http.Request) (reply, bool) {
	payload, err := readPayload(r)
	if err != nil {
		return refusal(http.StatusBadRequest, "InvalidRequest", err.Error()), true
	}
	if !p.function.initFailed(p, payload) {
		return refusal(
			http.StatusForbidden, "InvalidStateTransition", "the runtime is initialized",
		), true
	}
	return accepted(), true
}

func (p *process) register() reply {
	return reply{http.StatusOK, encode(map[string]string{
		"functionName":    p.function.spec.FunctionName,
		"functionVersion": latest,
		"handler":         p.function.spec.Handler,
	}), []string{"Lambda-Extension-Identifier", newUUID()}}
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

func accepted() reply {
	return reply{http.StatusAccepted, []byte(`{"status":"OK"}`), nil}
}

func refusal(status int, errorType, message string) reply {
	return reply{
		status, encode(map[string]string{"errorType": errorType, "errorMessage": message}), nil,
	}
}
