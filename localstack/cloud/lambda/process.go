package lambda

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// within which a new process must ask for its first invocation, as on AWS
	initLimit = 10 * time.Second
	// from SIGTERM to SIGKILL; AWS gives this time to functions with an internal extension
	grace = 500 * time.Millisecond
)

// The reasons why a process is killed.
var (
	errTimeout     = errors.New("the invocation timed out")
	errInitTimeout = errors.New("it did not become ready")
	errInit        = errors.New("its initialization failed")
	errFault       = errors.New("a fault that is set wants it so")
)

// process is one running copy of a function. It has a Runtime API of its own, so every request
// there is known to come from it.
type process struct {
	function *function
	output   *output
	// passes an invocation to an idle process; sending never blocks, as there is one at a time
	work     chan *invocation
	ctx      context.Context // ends the process
	kill     context.CancelCauseFunc
	killable *killable // by which faults kill it

	// Guarded by the function's lock.
	started  time.Time
	ready    bool          // it has asked for an invocation
	unbilled time.Duration // time of its start that no invocation was billed for yet
	current  *invocation
	initErr  []byte // what it posted to /runtime/init/error
}

func newProcess(f *function) *process {
	ctx, kill := context.WithCancelCause(f.service.ctx)
	return &process{
		killable: newKillable(kill),
		function: f,
		output:   newOutput(f),
		work:     make(chan *invocation, 1),
		ctx:      ctx,
		kill:     kill,
		started:  time.Now(),
	}
}

// run starts the process, waits for its end, and fails the invocation that it had.
func (p *process) run() {
	how, cause := p.live()
	close(p.killable.ended)
	if p.function.service.ctx.Err() == nil { // it was not ended by Close
		p.output.crash(describe(cause, how))
	}
	p.function.exited(p, func(id string) Result {
		switch {
		case p.initErr != nil:
			return Result{Payload: p.initErr, FunctionError: "Unhandled"}
		case errors.Is(cause, errTimeout):
			return timeoutFailure(id, p.function.spec.timeout())
		case errors.Is(cause, errInitTimeout):
			return timeoutFailure(id, initLimit)
		}
		return exitFailure(id, how)
	})
}

// live starts the process and returns when it has ended. how says in AWS's words how it ended;
// cause is the reason if it was killed.
func (p *process) live() (how string, cause error) {
	if err := p.output.open(); err != nil {
		return "Runtime could not be started: " + err.Error(), nil
	}
	defer p.output.close()
	api, err := listen(p.call)
	if err != nil {
		return "Runtime could not be started: " + err.Error(), nil
	}
	defer api.close()
	defer p.kill(nil) // ends the calls that wait

	limit := time.AfterFunc(initLimit, p.initExpired)
	defer limit.Stop()
	cmd := p.command(api.Addr().String())
	if err := cmd.Start(); err != nil {
		return "Runtime could not be started: " + err.Error(), nil
	}
	_ = cmd.Wait() // ProcessState below says more than the error
	// The children that it left behind.
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	if cmd.ProcessState.Success() {
		return "Runtime exited without providing a reason", context.Cause(p.ctx)
	}
	return "Runtime exited with error: " + cmd.ProcessState.String(), context.Cause(p.ctx)
}

func (p *process) command(api string) *exec.Cmd {
	cmd := exec.CommandContext(p.ctx, p.function.spec.Binary)
	cmd.Dir = filepath.Dir(p.function.spec.Binary)
	cmd.Env = p.environment(api)
	cmd.Stdout, cmd.Stderr = p.output.w, p.output.w
	cmd.SysProcAttr = attributes()
	cmd.WaitDelay = grace
	cmd.Cancel = func() error {
		signal := syscall.SIGTERM
		if p.function.service.ctx.Err() == nil {
			signal = syscall.SIGKILL
		}
		return syscall.Kill(-cmd.Process.Pid, signal)
	}
	return cmd
}

// environment is the environment of the process, which inherits nothing from the local cloud's own.
// Later entries win: first the template's variables, then those of AWS, then those of Options.Env.
func (p *process) environment(api string) []string {
	spec, opts := &p.function.spec, &p.function.service.opts
	var env []string
	for name, value := range spec.Environment.Variables {
		env = append(env, name+"="+value)
	}
	env = append(env,
		"PATH=/usr/local/bin:/usr/bin:/bin:/opt/bin",
		"TZ=:UTC",
		"AWS_REGION="+opts.Region,
		"AWS_DEFAULT_REGION="+opts.Region,
		"AWS_EXECUTION_ENV=AWS_Lambda_"+spec.Runtime,
		"AWS_LAMBDA_FUNCTION_NAME="+spec.FunctionName,
		"AWS_LAMBDA_FUNCTION_VERSION="+latest,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE="+strconv.Itoa(spec.MemorySize),
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/"+spec.FunctionName,
		fmt.Sprintf("AWS_LAMBDA_LOG_STREAM_NAME=%s/[%s]%s",
			opts.Now().UTC().Format("2006/01/02"), latest, strings.ReplaceAll(newUUID(), "-", "")),
		"AWS_LAMBDA_RUNTIME_API="+api,
		"LAMBDA_TASK_ROOT="+filepath.Dir(spec.Binary),
		"_HANDLER="+spec.Handler,
	)
	if opts.Env != nil {
		env = append(env, opts.Env(spec.FunctionName, spec.Role, p.killable)...)
	}
	return env
}

// initExpired kills a process that has not asked for an invocation in time.
func (p *process) initExpired() {
	p.function.mu.Lock()
	defer p.function.mu.Unlock()
	if !p.ready {
		p.kill(errInitTimeout)
	}
}

// describe says why a process has ended, for the console.
func describe(cause error, how string) string {
	if cause != nil {
		return "killed: " + cause.Error()
	}
	return how
}

// pipe returns the pipe from a process's output to the service.
func pipe() (r, w *os.File, err error) {
	r, w, err = os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("make a pipe: %w", err)
	}
	return r, w, nil
}
