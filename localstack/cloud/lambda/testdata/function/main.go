// Command function is the function of this package's tests. It behaves as the name of its handler
// says. Where it has to wait or to report something, it calls a URL of the test.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// input is the event of most handlers.
type input struct {
	URL string `json:"url"`
}

func main() {
	handlers := map[string]any{
		"echo":   func(event json.RawMessage) (json.RawMessage, error) { return event, nil },
		"env":    env,
		"call":   call,
		"hang":   func(in input) error { _ = ask(in.URL); select {} },
		"error":  func() error { fmt.Println("about to fail"); return errors.New("no luck") },
		"panic":  func() error { fmt.Println("about to panic"); panic("boom") },
		"exit":   func() error { fmt.Println("about to exit"); os.Exit(3); return nil },
		"greet":  greet,
		"print":  printLines,
		"stream": stream,
		"break": func() (io.Reader, error) {
			return raw{io.MultiReader(strings.NewReader("half"), broken{})}, nil
		},
		"huge":   func() (string, error) { return strings.Repeat("x", 7<<20), nil },
		"url":    serveURL,
		"batch":  batch,
		"report": report,
	}
	name := os.Getenv("_HANDLER")
	switch name {
	case "init-exit":
		fmt.Println("cannot start")
		os.Exit(1)
	case "init-error":
		initError()
	}
	if name == "hang" { // without the extension, whose last words would end it by SIGPIPE
		lambda.Start(handlers[name])
	}
	lambda.StartWithOptions(handlers[name], lambda.WithEnableSIGTERM(func() { os.Exit(0) }))
}

func env(ctx context.Context) (map[string]any, error) {
	lc, _ := lambdacontext.FromContext(ctx)
	deadline, _ := ctx.Deadline()
	return map[string]any{
		"env":      os.Environ(),
		"pid":      os.Getpid(),
		"arn":      lc.InvokedFunctionArn,
		"request":  lc.AwsRequestID,
		"deadline": deadline.UnixMilli(), "trace": os.Getenv("_X_AMZN_TRACE_ID"),
	}, nil
}

// call asks the test and returns the process's ID.
func call(in input) (int, error) { return os.Getpid(), ask(in.URL) }

func ask(url string) error {
	res, err := http.Get(url)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

// raw is a response of bytes. aws-lambda-go sends JSON if a type can be marshalled.
type raw struct{ io.Reader }

func (raw) MarshalJSON() ([]byte, error) { return nil, errors.New("not JSON") }

// greeting works after its response was sent, as function connect does.
type greeting struct {
	raw
	url string
}

func (g greeting) Close() error {
	if g.url == "exit" {
		os.Exit(4)
	}
	return ask(g.url)
}

func greet(in input) (io.Reader, error) {
	return greeting{raw{strings.NewReader(`"hello"`)}, in.URL}, nil
}

func printLines() error {
	fmt.Println("plain line")
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	log.Info("nothing to WARN about")
	log.Error("WARNINGS were ignored")
	log.Warn("alarm")
	return nil
}

func stream() (*events.LambdaFunctionURLStreamingResponse, error) {
	return &events.LambdaFunctionURLStreamingResponse{
		StatusCode: http.StatusTeapot, Headers: map[string]string{
			"Content-Type": "text/plain",
		}, Body: strings.NewReader("streamed"),
	}, nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("the reader broke") }

// serveURL returns the request's body as the response, or its event.
func serveURL(event json.RawMessage) (json.RawMessage, error) {
	var r events.LambdaFunctionURLRequest
	if err := json.Unmarshal(event, &r); err != nil {
		return nil, err
	}
	switch r.RawPath {
	case "/respond":
		return json.RawMessage(r.Body), nil
	case "/fail":
		return nil, errors.New("failed")
	}
	return event, nil
}

// report posts its event to the test, and fails if the answer says so.
func report(event json.RawMessage) error {
	verdict, err := post(string(event), "")
	if err == nil && verdict == "fail" {
		err = errors.New("asked to fail")
	}
	return err
}

// post posts to the test and returns the answer.
func post(body, receives string) (string, error) {
	req, err := http.NewRequest(http.MethodPost, os.Getenv("TEST_URL"), strings.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Pid", fmt.Sprint(os.Getpid()))
	req.Header.Set("Receives", receives)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return string(answer), err
}

// batch asks about each message, which fails if the answer is "fail".
func batch(e events.SQSEvent) (events.SQSEventResponse, error) {
	var r events.SQSEventResponse
	for _, m := range e.Records {
		verdict, err := post(m.Body, m.Attributes["ApproximateReceiveCount"])
		if err != nil {
			return r, err
		}
		switch verdict {
		case "fail":
			r.BatchItemFailures = append(
				r.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId},
			)
		case "unknown":
			r.BatchItemFailures = append(
				r.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: "nobody"},
			)
		case "error":
			return r, errors.New("the whole batch failed")
		}
	}
	return r, nil
}

// initError reports a failed initialization as runtimes of other languages do; aws-lambda-go has no
// call for it.
func initError() {
	url := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/init/error"
	body := `{"errorType":"Runtime.NoSuchModule","errorMessage":"no module"}`
	res, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	res.Body.Close()
	select {}
}
