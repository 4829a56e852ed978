package edge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/dop251/goja"
)

const (
	// ends endless loops; CloudFront itself allows about a millisecond on its machines
	maxRun   = time.Second
	maxDepth = 1000 // depth of calls; endless recursion is an exception
)

var (
	errThrottled = errors.New("the function took too long")
	errInvalid   = errors.New("the function returned an invalid value")
)

// FunctionSpec is an AWS::CloudFront::Function.
type FunctionSpec struct {
	FunctionCode   string
	FunctionConfig struct {
		Comment, Runtime json.RawMessage // without effect; the runtime is always cloudfront-js-2.0
	}

	// Without effect.
	AutoPublish json.RawMessage // there is only the published version
	Name, Tags  json.RawMessage
}

// function is a compiled CloudFront function. Its runtimes are reused, as on CloudFront: what a
// function keeps in global variables may or may not be there in the next run.
type function struct {
	program *goja.Program
	log     *slog.Logger
	idle    sync.Pool // *runtime
}

// runtime runs one invocation at a time.
type runtime struct {
	vm      *goja.Runtime
	handler goja.Callable
}

// newFunction compiles the code and runs it once, so that errors show now.
func newFunction(code string, log *slog.Logger) (*function, error) {
	tree, err := checkDialect(code)
	if err != nil {
		return nil, err
	}
	program, err := goja.CompileAST(tree, true) // functions are always strict
	if err != nil {
		return nil, fmt.Errorf("code cannot be compiled: %w", err)
	}
	f := &function{program: program, log: log}
	r, err := f.newRuntime()
	if err != nil {
		return nil, err
	}
	f.idle.Put(r)
	return f, nil
}

func (f *function) newRuntime() (*runtime, error) {
	vm := goja.New()
	vm.SetMaxCallStackSize(maxDepth)
	console := vm.NewObject()
	if err := console.Set("log", f.consoleLog); err != nil {
		return nil, fmt.Errorf("set up console: %w", err)
	}
	if err := vm.Set("console", console); err != nil {
		return nil, fmt.Errorf("set up console: %w", err)
	}
	if err := vm.GlobalObject().Delete("eval"); err != nil {
		return nil, fmt.Errorf("take eval away: %w", err)
	}
	if _, err := vm.RunProgram(f.program); err != nil {
		return nil, fmt.Errorf("code cannot be run: %w", err)
	}
	handler, ok := goja.AssertFunction(vm.Get("handler"))
	if !ok {
		return nil, errors.New("code has no function handler")
	}
	return &runtime{vm: vm, handler: handler}, nil
}

func (f *function) consoleLog(call goja.FunctionCall) goja.Value {
	words := make([]string, len(call.Arguments))
	for i, a := range call.Arguments {
		words[i] = a.String()
	}
	f.log.Debug("viewer-request function logs", "line", strings.Join(words, " "))
	return goja.Undefined()
}

// run invokes the function for a viewer's request. Exactly one of request, response and err is not
// nil. err wraps errInvalid or errThrottled, or is an exception.
func (f *function) run(in viewerRequest) (request *rewritten, response *generated, err error) {
	r, _ := f.idle.Get().(*runtime)
	if r == nil {
		if r, err = f.newRuntime(); err != nil {
			return nil, nil, err
		}
	}
	stop := time.AfterFunc(maxRun, func() { r.vm.Interrupt(errThrottled) })
	// Reading the result may run code as well: getters.
	caught := r.vm.Try(func() { request, response, err = r.invoke(in) })
	if !stop.Stop() {
		// The interrupt may come at any time, so this runtime is not reused.
		return nil, nil, errThrottled
	}
	f.idle.Put(r)
	if caught != nil {
		return nil, nil, fmt.Errorf("exception: %w", caught)
	}
	return request, response, err
}

func (r *runtime) invoke(in viewerRequest) (*rewritten, *generated, error) {
	result, err := r.handler(goja.Undefined(), r.event(in))
	if err != nil {
		return nil, nil, fmt.Errorf("exception: %w", err)
	}
	o, ok := result.(*goja.Object)
	if ok && o.ExportType() == reflect.TypeFor[*goja.Promise]() {
		if result, err = settled(o.Export().(*goja.Promise)); err != nil {
			return nil, nil, err
		}
		o, ok = result.(*goja.Object)
	}
	if !ok {
		return nil, nil, fmt.Errorf("%w: neither a request nor a response", errInvalid)
	}
	if present(o.Get("statusCode")) {
		response, err := readResponse(o)
		return nil, response, err
	}
	request, err := readRequest(o, in)
	return request, nil, err
}

// settled returns the result of an async function.
func settled(p *goja.Promise) (goja.Value, error) {
	switch p.State() {
	case goja.PromiseStateFulfilled:
		return p.Result(), nil
	case goja.PromiseStateRejected:
		return nil, fmt.Errorf("exception: %v", p.Result())
	case goja.PromiseStatePending:
	}
	return nil, fmt.Errorf("%w: a promise that nothing settles", errInvalid)
}

// logFailure logs why the function failed for a request.
func (f *function) logFailure(ctx context.Context, uri string, err error) {
	f.log.WarnContext(ctx, "viewer-request function failed", "uri", uri, "error", err)
}
