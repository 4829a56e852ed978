package faults_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/iam"
)

// process is a process that knows whether it was killed.
type process struct {
	writes faults.Count
	killed bool
}

func (p *process) Writes() *faults.Count { return &p.writes }
func (p *process) Kill()                 { p.killed = true }

// caller makes calls as a process, and keeps which of them were executed.
type caller struct {
	*process
	set      *faults.Set
	executed []string
}

// call calls a service whose operations answer with their name, and whose refusals answer with the
// status.
func (c *caller) call(t *testing.T, service, operation string) (status int, body string) {
	t.Helper()
	ctx := iam.WithRole(t.Context(), &iam.Role{Name: "role", Session: "Hark-message"})
	if c.process != nil {
		ctx = faults.WithProcess(ctx, c.process)
	}
	w := httptest.NewRecorder()
	w.Code = 0 // until something is written
	at := faults.Place{Service: service, Operation: operation}
	c.set.Serve(w, httptest.NewRequestWithContext(ctx, http.MethodPost, "/", nil), at,
		func(w http.ResponseWriter, status int) { w.WriteHeader(status) },
		func(w http.ResponseWriter, _ *http.Request) {
			c.executed = append(c.executed, operation)
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, operation)
		})
	return w.Code, w.Body.String()
}

// kills are faults, and which calls of the sequence are executed until the process is killed.
var kills = []struct {
	name     string
	fault    faults.Fault
	executed []string // nil if all are, and the process is not killed
}{
	{"before the first", faults.Fault{Do: faults.KillBeforeWrite}, []string{"GetItem"}},
	{
		"after the first",
		faults.Fault{Do: faults.KillAfterWrite, Nth: 1},
		[]string{"GetItem", "PutItem"},
	},
	{
		"before the third",
		faults.Fault{Do: faults.KillBeforeWrite, Nth: 3},
		[]string{"GetItem", "PutItem", "SendMessage", "DeleteMessage"},
	},
	{
		"after the third",
		faults.Fault{Do: faults.KillAfterWrite, Nth: 3},
		[]string{"GetItem", "PutItem", "SendMessage", "DeleteMessage", "UpdateItem"},
	},
	{
		"after the second of an operation",
		faults.Fault{Do: faults.KillAfterWrite, Operation: "PutItem", Nth: 2},
		[]string{"GetItem", "PutItem", "SendMessage", "DeleteMessage", "UpdateItem", "PutItem"},
	},
	{
		"before the first event on a bus",
		faults.Fault{Do: faults.KillBeforeWrite, Service: "eventbridge"},
		nil,
	},
	{
		"before the first to a service",
		faults.Fault{Do: faults.KillBeforeWrite, Service: "sqs"},
		[]string{"GetItem", "PutItem"},
	},
	{
		"not another function",
		faults.Fault{Do: faults.KillBeforeWrite, Function: "connect"},
		nil,
	},
	{"not at a write that never comes", faults.Fault{Do: faults.KillBeforeWrite, Nth: 5}, nil},
}

func TestAProcessIsKilledAtItsNthWrite(t *testing.T) {
	t.Parallel()
	calls := [][2]string{
		{"dynamodb", "GetItem"},
		{"dynamodb", "PutItem"},
		{"sqs", "SendMessage"},
		{"sqs", "DeleteMessage"},
		{"dynamodb", "UpdateItem"},
		{"dynamodb", "PutItem"},
	}
	for _, tt := range kills {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := &caller{process: new(process), set: set(1, tt.fault)}
			for _, op := range calls {
				status, body := c.call(t, op[0], op[1])
				if c.killed {
					if status != 0 || body != "" {
						t.Errorf("a killed process is answered %d %q", status, body)
					}
					break
				}
				if status != http.StatusCreated || body != op[1] {
					t.Errorf("%s answers %d %q", op[1], status, body)
				}
			}
			if c.killed != (tt.executed != nil) {
				t.Errorf("killed: %v", c.killed)
			}
			if tt.executed != nil && !slices.Equal(c.executed, tt.executed) {
				t.Errorf("executed %v, want %v", c.executed, tt.executed)
			}
		})
	}
}

func TestKillsAreBounded(t *testing.T) {
	t.Parallel()
	s := set(1, faults.Fault{Do: faults.KillBeforeWrite, Count: 2})
	killed := 0
	for range 5 {
		c := &caller{process: new(process), set: s}
		c.call(t, "sqs", "SendMessage")
		if c.killed {
			killed++
		}
	}
	if killed != 2 {
		t.Errorf("killed %d processes, want 2", killed)
	}
}

func TestACallerWithoutAProcessIsNotKilled(t *testing.T) {
	t.Parallel()
	c := &caller{set: set(1, faults.Fault{Do: faults.KillBeforeWrite})}
	if status, _ := c.call(t, "dynamodb", "PutItem"); status != http.StatusCreated {
		t.Errorf("status %d", status)
	}
}

func TestARefusedCallIsNotExecuted(t *testing.T) {
	t.Parallel()
	c := &caller{process: new(process), set: set(1,
		faults.Fault{
			Do: faults.Answer, Operation: "PutItem", Function: "message", Status: 503, Count: 1,
		},
		faults.Fault{Do: faults.KillBeforeWrite},
	)}
	if status, _ := c.call(t, "dynamodb", "PutItem"); status != http.StatusServiceUnavailable ||
		len(c.executed) > 0 || c.killed {
		t.Errorf("status %d, executed %v, killed %v", status, c.executed, c.killed)
	}
}

func TestASlowCallIsExecutedLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &caller{
			set: set(
				1,
				faults.Fault{
					Do: faults.Slow, Service: "dynamodb", Delay: faults.Duration(3 * time.Second),
				},
			),
		}
		for service, want := range map[string]time.Duration{"dynamodb": 3 * time.Second, "sqs": 0} {
			began := time.Now()
			if status, _ := c.call(t, service, "GetItem"); status != http.StatusCreated ||
				time.Since(began) != want {
				t.Errorf("%s answers %d after %v", service, status, time.Since(began))
			}
		}
	})
}

func BenchmarkServeWithoutFaults(b *testing.B) {
	s := new(faults.Set)
	r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/", nil)
	do := func(http.ResponseWriter, *http.Request) {}
	refuse := func(http.ResponseWriter, int) {}
	b.ReportAllocs()
	for b.Loop() {
		s.Serve(nil, r, faults.Place{Service: faults.DynamoDB, Operation: "GetItem"}, refuse, do)
	}
}
