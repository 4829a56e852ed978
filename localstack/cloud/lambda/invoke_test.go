package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/iam"
	"hark/localstack/cloud/lambda"
	"hark/localstack/cloud/meter"
)

func TestInvokeReturnsWhatTheFunctionReturns(t *testing.T) {
	c := newCloud(t)
	c.create("echo")
	for _, name := range []string{
		"echo", "echo:$LATEST", "000000000000:function:echo",
		"arn:aws:lambda:us-east-1:000000000000:function:echo",
		"arn:aws:lambda:us-east-1:000000000000:function:echo:$LATEST",
	} {
		if got := c.invoke(name, `{"a":"<b>"}`); got != `{"a":"<b>"}` {
			t.Errorf("%s returned %s", name, got)
		}
	}
	if got := c.counted(
		meter.FunctionRequests, meter.By{Function: "echo", Operation: meter.Invoke},
	); got != 5 {
		t.Errorf("counted %v requests", got)
	}
	large := `"` + strings.Repeat("x", 5<<20) + `"`
	if got := c.invoke("echo", large); got != large {
		t.Errorf("5 MB became %d bytes", len(got))
	}
	eventually(t, "milliseconds", func() bool {
		return c.meter.Snapshot()[meter.FunctionMillis] >= 6
	})
}

func TestInvokeIsRefused(t *testing.T) {
	c := newCloud(t)
	none := 0
	c.create("echo")
	c.create("call", func(f *lambda.FunctionSpec) { f.ReservedConcurrentExecutions = &none })
	stranger := iam.WithRole(
		t.Context(), &iam.Role{Name: "stranger", Session: "s", Account: "000000000000"},
	)
	for _, tc := range []struct {
		name     string
		ctx      context.Context
		function string
		payload  []byte
		want     string
	}{
		{
			"a function that does not exist", t.Context(), "nobody", nil,
			"ResourceNotFoundException: Function not found: " +
				"arn:aws:lambda:us-east-1:000000000000:function:nobody",
		},
		{
			"a version that does not exist", t.Context(), "echo:7", nil,
			"ResourceNotFoundException: Function not found: " +
				"arn:aws:lambda:us-east-1:000000000000:function:echo:7",
		},
		{
			"a function whose concurrency is used up", t.Context(), "call", nil,
			"TooManyRequestsException: Rate Exceeded.",
		},
		{
			"more than 6 MB", t.Context(), "echo", make([]byte, 6<<20+1),
			"RequestTooLargeException: Request must be smaller than 6291456 bytes for the " +
				"InvokeFunction operation",
		},
		{
			"a role without permission", stranger, "echo", nil,
			"User: arn:aws:sts::000000000000:assumed-role/stranger/s is not authorized to " +
				"perform: lambda:InvokeFunction on " +
				"resource: arn:aws:lambda:us-east-1:000000000000:function:echo because no " +
				"identity-based policy allows the " +
				"lambda:InvokeFunction action",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := c.Invoke(tc.ctx, tc.function, tc.payload)
			if err == nil || err.Error() != tc.want {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
		})
	}
}

func TestAFunctionKnowsItsEnvironment(t *testing.T) {
	t.Setenv("HARK_TEST_SECRET", "must not be inherited")
	role := &iam.Role{Name: "role"}
	c := newCloud(t, func(o *lambda.Options) {
		o.Env = func(function string, r *iam.Role, _ faults.Process) []string {
			return []string{
				"AWS_ACCESS_KEY_ID=" + function + "-" + r.Name, "OVERRIDDEN=by the local cloud",
			}
		}
	})
	c.create("env", func(f *lambda.FunctionSpec) {
		f.Role, f.MemorySize = role, 256
		f.Environment.Variables = map[string]string{
			"STATE_TABLE": "state", "OVERRIDDEN": "by nobody",
		}
	})
	var got struct {
		Env                 []string
		ARN, Request, Trace string
		Deadline            int64
	}
	if err := json.Unmarshal([]byte(c.invoke("env", "{}")), &got); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"AWS_LAMBDA_FUNCTION_NAME=env", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/env", "_HANDLER=env",
		"AWS_EXECUTION_ENV=AWS_Lambda_provided.al2023",
		"TZ=:UTC", "AWS_REGION=us-east-1", "STATE_TABLE=state", "AWS_ACCESS_KEY_ID=env-role",
		"OVERRIDDEN=by the local cloud",
	} {
		if !slices.Contains(got.Env, want) {
			t.Errorf("no %s in %q", want, got.Env)
		}
	}
	for _, entry := range got.Env {
		if strings.HasPrefix(entry, "HARK_TEST_SECRET") || strings.HasPrefix(entry, "HOME=") {
			t.Errorf("inherited %s", entry)
		}
	}
	if got.ARN != "arn:aws:lambda:us-east-1:000000000000:function:env" {
		t.Errorf("arn %q", got.ARN)
	}
	for what, pair := range map[string][2]string{
		"request id": {
			got.Request, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`,
		},
		"trace": {
			got.Trace, `^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$`,
		},
		"deadline": {strconv.FormatInt(got.Deadline, 10), `^\d{13}$`},
	} {
		if !regexp.MustCompile(pair[1]).MatchString(pair[0]) {
			t.Errorf("%s is %q", what, pair[0])
		}
	}
}

func TestProcessesRunSideBySideAndAreUsedAgain(t *testing.T) {
	c, g := newCloud(t, func(o *lambda.Options) { o.MaxProcesses = 2 }), newGate(t)
	c.create("call")
	first, second := c.invocation(t.Context(), "call", g.input()), c.invocation(
		t.Context(), "call", g.input(),
	)
	callA, callB := g.call(), g.call() // both are running
	third := c.invocation(t.Context(), "call", g.input())
	gone, leave := context.WithCancel(t.Context())
	fourth := c.invocation(gone, "call", g.input())
	leave()
	if got := <-fourth; !errors.Is(got.err, context.Canceled) {
		t.Errorf("a caller that left got %+v", got)
	}
	select {
	case <-g.calls:
		t.Fatal("a third process was started")
	default:
	}
	callA.answer <- ""
	g.call().answer <- "" // the third has the process of the one that ended
	callB.answer <- ""
	pids := map[string]int{}
	for _, done := range []<-chan outcome{first, second, third} {
		got := <-done
		if got.err != nil || got.functionError != "" {
			t.Fatalf("got %+v", got)
		}
		pids[got.payload]++
	}
	if len(pids) != 2 {
		t.Errorf("processes %v", pids)
	}
}

func TestConcurrentCallersGetTheirOwnAnswers(t *testing.T) {
	c := newCloud(t, func(o *lambda.Options) { o.MaxProcesses = 3 })
	c.create("echo")
	var crowd sync.WaitGroup
	for i := range 30 {
		crowd.Go(func() {
			for j := range 20 {
				ctx, leave := context.WithCancel(t.Context())
				if i%10 == 0 { // some do not wait
					leave()
				}
				want := fmt.Sprintf(`"%d/%d"`, i, j)
				r, err := c.Invoke(ctx, "echo", []byte(want))
				if i%10 != 0 && (err != nil || string(r.Payload) != want) {
					t.Errorf("got %v, %s, want %s", err, r.Payload, want)
				}
				leave()
			}
		})
	}
	crowd.Wait()
}

func TestReservedConcurrencyThrottles(t *testing.T) {
	c, g := newCloud(t), newGate(t)
	one := 1
	c.create("call", func(f *lambda.FunctionSpec) { f.ReservedConcurrentExecutions = &one })
	first := c.invocation(t.Context(), "call", g.input())
	running := g.call()
	var e *lambda.Error
	if _, err := c.Invoke(t.Context(), "call", nil); !errors.As(err, &e) ||
		e.Code != "TooManyRequestsException" {
		t.Errorf("got %v", err)
	}
	running.answer <- ""
	<-first
	eventually(t, "the function to be free", func() bool {
		r, err := c.Invoke(t.Context(), "call", []byte(`{"url":"http://127.0.0.1:1"}`))
		return err == nil && r.FunctionError != ""
	})
}

func TestTheCallerDoesNotWaitForWorkAfterTheResponse(t *testing.T) {
	c, g := newCloud(t, func(o *lambda.Options) { o.MaxProcesses = 1 }), newGate(t)
	c.create("greet")
	if got := c.invoke("greet", g.input()); got != `"hello"` {
		t.Errorf("got %s", got)
	}
	greeting := g.call() // it still works
	next := c.invocation(t.Context(), "greet", g.input())
	select {
	case got := <-next:
		t.Fatalf("a busy process was given %+v", got)
	case <-g.calls:
		t.Fatal("a busy process was given an invocation")
	default:
	}
	greeting.answer <- ""
	g.call().answer <- ""
	if got := <-next; got.payload != `"hello"` {
		t.Errorf("got %+v", got)
	}
}

func TestWarningsAndCrashesAreShown(t *testing.T) {
	for _, tc := range []struct {
		name    string
		verbose bool
		want    int // lines
	}{
		{"only warnings and errors by default", false, 2},
		{"everything when verbose", true, 4},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newCloud(t, func(o *lambda.Options) { o.Verbose = tc.verbose })
			c.create("print")
			c.invoke("print", "{}")
			eventually(t, "the last line", func() bool {
				return strings.Contains(c.stderr.String(), `"msg":"alarm"`)
			})
			if got := strings.Count(c.stderr.String(), "print | "); got != tc.want {
				t.Errorf("%d lines:\n%s", got, c.stderr)
			}
			if got := c.meter.Snapshot()[meter.LogBytes]; got < float64(len("plain line\n")) {
				t.Errorf("counted %v bytes", got)
			}
		})
	}
}

func TestCreateRefuses(t *testing.T) {
	c := newCloud(t)
	c.create("echo")
	for _, tc := range []struct {
		name string
		spec lambda.FunctionSpec
		want string
	}{
		{
			"a binary that is not there",
			lambda.FunctionSpec{FunctionName: "f", Binary: "testdata/none"},
			"no such file",
		},
		{
			"a file that is no program",
			lambda.FunctionSpec{FunctionName: "f", Binary: "doc.go"},
			"not executable",
		},
		{
			"a name that is taken",
			lambda.FunctionSpec{FunctionName: "echo", Binary: binary},
			"ResourceConflictException",
		},
		{
			"layers",
			lambda.FunctionSpec{FunctionName: "f", Binary: binary, Layers: []string{"l"}},
			"Layers is not supported",
		},
		{
			"images",
			lambda.FunctionSpec{FunctionName: "f", Binary: binary, PackageType: "Image"},
			"PackageType Image is not supported",
		},
		{
			"VPCs",
			lambda.FunctionSpec{
				FunctionName: "f", Binary: binary, VpcConfig: json.RawMessage("{}"),
			},
			"VpcConfig is not supported",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := c.Create(tc.spec); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}
