package faults_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hark/localstack/cloud/faults"
)

// set returns the faults, set with a seed.
func set(seed uint64, all ...faults.Fault) *faults.Set {
	s := new(faults.Set)
	s.Add(faults.Order{Seed: &seed, Faults: all})
	return s
}

// orders are orders, and the error with which Parse refuses them.
var orders = []struct{ name, order, want string }{
	{"nothing", `{}`, ""},
	{"every kind", `{"seed":18446744073709551615,"faults":[
			{"do":"lose-disconnect","connection":"a=","rate":0.5,"count":1},
			{"do":"gone","service":"connections","operation":"GetConnection",
			"function":"broadcast","connection":"a="},
			{"do":"answer","service":"lambda","operation":"Invoke","function":"message",
			"status":429},
			{"do":"answer","status":500},
			{"do":"slow","service":"sqs","operation":"SendMessage","delay":"1m0.5s"},
			{"do":"kill-before-write","service":"dynamodb","operation":"PutItem",
			"function":"message","nth":2},
			{"do":"kill-after-write","operation":"SendMessageBatch"},
			{"do":"repeat-invocation","function":"message","delay":"5ms"},
			{"do":"repeat-message","operation":"ReceiveMessage","function":"broadcast",
			"delay":"5ms"},
			{"do":"cut"},
			{"do":"reorder","delay":"1s"}]}`, ""},
	{"no JSON", `{`, "unexpected EOF"},
	{"an unknown field", `{"faults":[{"do":"cut","route":"x"}]}`, `unknown field "route"`},
	{"two orders", `{}{}`, "something follows"},
	{"nothing to do", `{"faults":[{}]}`, `fault 0: do is "", which is none`},
	{
		"an unknown kind", `{"faults":[{"do":"cut"},{"do":"burn"}]}`,
		`fault 1: do is "burn", which is none`,
	},
	{
		"a selector that has no meaning", `{"faults":[{"do":"cut","function":"x"}]}`,
		"cut takes no function, only rate, count, connection",
	},
	{
		"an unknown service", `{"faults":[{"do":"slow","service":"s3","delay":"1s"}]}`,
		`service is "s3", must be one of dynamodb, sqs, eventbridge, connections, lambda`,
	},
	{
		"a service without writes",
		`{"faults":[{"do":"kill-after-write","service":"connections"}]}`,
		"must be one of dynamodb, sqs, eventbridge",
	},
	{
		"an unknown operation",
		`{"faults":[{"do":"slow","service":"sqs","operation":"Send","delay":"1s"}]}`,
		`operation is "Send", must be one of SendMessage,`,
	},
	{
		"a write that is none", `{"faults":[{"do":"kill-before-write","operation":"GetItem"}]}`,
		`operation is "GetItem"`,
	},
	{
		"invocations, not by name",
		`{"faults":[{"do":"slow","operation":"Invoke","delay":"1s"}]}`, `operation is "Invoke"`,
	},
	{
		"a connection's table",
		`{"faults":[{"do":"slow","service":"dynamodb","connection":"a=","delay":"1s"}]}`,
		"a call of dynamodb is about no connection",
	},
	{
		"a success", `{"faults":[{"do":"answer","status":200}]}`,
		"status is 200, must be 429 or 500 to 599",
	},
	{"no status", `{"faults":[{"do":"answer"}]}`, "status is 0"},
	{"slow without a delay", `{"faults":[{"do":"slow"}]}`, "slow needs a delay"},
	{"a delay without a unit", `{"faults":[{"do":"slow","delay":"5"}]}`, "missing unit"},
	{"a number as delay", `{"faults":[{"do":"slow","delay":5}]}`, "cannot unmarshal"},
	{"a negative delay", `{"faults":[{"do":"slow","delay":"-5s"}]}`, "delay is -5s"},
	{"more than always", `{"faults":[{"do":"cut","rate":1.5}]}`, "rate is 1.5"},
	{"a negative count", `{"faults":[{"do":"cut","count":-1}]}`, "count is -1"},
	{"a negative nth", `{"faults":[{"do":"kill-after-write","nth":-1}]}`, "nth is -1"},
}

func TestParseChecksOrders(t *testing.T) {
	t.Parallel()
	for _, tt := range orders {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := faults.Parse([]byte(tt.order))
			if tt.want == "" && err != nil || tt.want != "" &&
				(err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestASelectorThatIsEmptyMatchesEverything(t *testing.T) {
	t.Parallel()
	post := faults.Place{
		Service:    "connections",
		Operation:  "PostToConnection",
		Function:   "Hark-message",
		Connection: "a=",
	}
	invocation := faults.Place{Service: "lambda", Operation: "Invoke", Function: "Hark-message"}
	for _, tt := range []struct {
		name  string
		fault faults.Fault
		at    faults.Place
		want  bool
	}{
		{"nothing selected", faults.Fault{}, post, true},
		{
			"all selected",
			faults.Fault{
				Service:    "connections",
				Operation:  "PostToConnection",
				Function:   "message",
				Connection: "a=",
			},
			post, true,
		},
		{"a function by its whole name", faults.Fault{Function: "Hark-message"}, post, true},
		{"but not by any end of it", faults.Fault{Function: "sage"}, post, false},
		{"another function", faults.Fault{Function: "broadcast"}, post, false},
		{"another service", faults.Fault{Service: "sqs"}, post, false},
		{"another operation", faults.Fault{Operation: "GetConnection"}, post, false},
		{"another connection", faults.Fault{Connection: "b="}, post, false},
		{"invocations by name", faults.Fault{Service: "lambda"}, invocation, true},
		{"invocations only by name", faults.Fault{Function: "message"}, invocation, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.fault.Do = faults.Slow
			s := set(1, tt.fault)
			if _, got := s.Strike(faults.Slow, tt.at); got != tt.want {
				t.Errorf("strikes: %v, want %v", got, tt.want)
			}
			if _, got := s.Strike(faults.Answer, tt.at); got {
				t.Error("it strikes as another kind")
			}
		})
	}
}

// strikes is what a fault does on so many occasions.
func strikes(s *faults.Set, do faults.Kind, occasions int) []faults.Hit {
	hits := make([]faults.Hit, occasions)
	for i := range hits {
		hits[i], _ = s.Strike(do, faults.Place{Connection: "a="})
	}
	return hits
}

func TestChanceReplays(t *testing.T) {
	t.Parallel()
	lose := faults.Fault{Do: faults.LoseDisconnect, Rate: 0.3, Count: 40}
	reorder := faults.Fault{Do: faults.Reorder, Delay: faults.Duration(time.Second), Rate: 0.5}
	first := set(7, lose, reorder)
	lost, moved := strikes(first, faults.LoseDisconnect, 1000), strikes(first, faults.Reorder, 1000)

	again := set(7, lose, reorder)
	again.Clear()
	seed := uint64(7)
	again.Add(faults.Order{Seed: &seed, Faults: []faults.Fault{lose, reorder}})
	var movedAgain, lostAgain []faults.Hit // in turns: faults do not disturb each other
	for range 1000 {
		movedAgain = append(movedAgain, strikes(again, faults.Reorder, 1)...)
		lostAgain = append(lostAgain, strikes(again, faults.LoseDisconnect, 1)...)
	}
	if !cmp.Equal(lost, lostAgain) || !cmp.Equal(moved, movedAgain) {
		t.Error("the same seed strikes on other occasions")
	}
	if other := strikes(set(8, reorder), faults.Reorder, 1000); cmp.Equal(moved, other) {
		t.Error("another seed strikes on the same occasions")
	}
	if n := count(lost); n != 40 {
		t.Errorf("struck %d times, want its count", n)
	}
	if n := count(moved); n < 400 || n > 600 {
		t.Errorf("struck %d times of 1000 at a rate of 0.5", n)
	}
	for _, hit := range moved {
		if hit.Wait < 0 || hit.Wait > time.Second {
			t.Errorf("a frame waits %v", hit.Wait)
		}
	}
}

func count(hits []faults.Hit) (n int) {
	for _, hit := range hits {
		if hit.Do != "" {
			n++
		}
	}
	return n
}

func TestOnlyTheFirstFaultThatHitsStrikes(t *testing.T) {
	t.Parallel()
	s := set(
		1, faults.Fault{Do: faults.Answer, Status: 429, Count: 1},
		faults.Fault{Do: faults.Answer, Status: 500},
	)
	for _, want := range []int{429, 500, 500} {
		if hit, _ := s.Strike(faults.Answer, faults.Place{}); hit.Status != want {
			t.Errorf("status %d, want %d", hit.Status, want)
		}
	}
}

func TestNoSetNeverStrikes(t *testing.T) {
	t.Parallel()
	var none *faults.Set
	none.OnCut(func(func(string) bool) { t.Error("it cuts") })
	for _, s := range []*faults.Set{none, {}} {
		if _, ok := s.Strike(faults.Gone, faults.Place{}); ok {
			t.Error("it strikes")
		}
	}
}

func TestASetIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	s := set(1)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 200 {
				s.Strike(faults.Gone, faults.Place{})
				if i%50 == 0 {
					s.Add(faults.Order{Faults: []faults.Fault{{Do: faults.Gone, Rate: 0.5}}})
				}
				call(t, s, http.MethodGet, "")
			}
		})
	}
	wg.Wait()
	if got := len(listed(t, s)); got != 32 {
		t.Errorf("%d faults are set, want 32", got)
	}
}

func call(t *testing.T, s *faults.Set, method, body string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(method, "/_hark/faults", strings.NewReader(body)))
	return w.Code, w.Body.String()
}

func listed(t *testing.T, s *faults.Set) []map[string]any {
	t.Helper()
	_, body := call(t, s, http.MethodGet, "")
	var answer struct{ Faults []map[string]any }
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Faults
}

func TestFaultsAreSetOverHTTP(t *testing.T) {
	t.Parallel()
	const lose = `{"id":1,"seed":7,"index":0,"do":"lose-disconnect","count":1,"seen":0,"hits":0}`
	const slow = `{"id":2,"seed":9,"index":0,"do":"slow","service":"sqs","delay":"1.5s",` +
		`"rate":0.5,"seen":0,"hits":0}`
	s := new(faults.Set)
	for _, step := range []struct {
		name, method, body string
		status             int
		want               string
	}{
		{"nothing is set", http.MethodGet, "", 200, `{"faults":[]}`},
		{
			"a fault is set", http.MethodPost,
			`{"seed":7,"faults":[{"do":"lose-disconnect","count":1}]}`, 200,
			`{"faults":[` + lose + `]}`,
		},
		{
			"another one", http.MethodPost,
			`{"seed":9,"faults":[{"do":"slow","service":"sqs","delay":"1500ms","rate":0.5}]}`, 200,
			`{"faults":[` + lose + `,` + slow + `]}`,
		},
		{
			"a mistake sets nothing", http.MethodPost, `{"faults":[{"do":"cut"},{"do":"burn"}]}`,
			400, `{"message":"faults: fault 1: do is \"burn\", which is none that can be done"}`,
		},
		{"both are listed", http.MethodGet, "", 200, `{"faults":[` + lose + `,` + slow + `]}`},
		{
			"PUT is nothing", http.MethodPut, "", 405,
			`{"message":"Faults are set, listed and deleted."}`,
		},
		{"all are deleted", http.MethodDelete, "", 200, `{"faults":[]}`},
		{
			"a repeated message is one that was deleted", http.MethodPost,
			`{"seed":1,"faults":[{"do":"repeat-message"}]}`, 200,
			`{"faults":[{"id":3,"seed":1,"index":0,"do":"repeat-message",` +
				`"operation":"DeleteMessage","seen":0,"hits":0}]}`,
		},
	} {
		status, body := call(t, s, step.method, step.body)
		if status != step.status || strings.TrimSpace(body) != step.want {
			t.Errorf("%s: %d %s\nwant %d %s", step.name, status, body, step.status, step.want)
		}
	}
}

func TestASeedIsChosenAndShown(t *testing.T) {
	t.Parallel()
	s := new(faults.Set)
	call(t, s, http.MethodPost, `{"faults":[{"do":"lose-disconnect","rate":0.5}]}`)
	want := count(strikes(s, faults.LoseDisconnect, 100))
	fault := listed(t, s)[0]
	if fault["seen"] != 100.0 || fault["hits"] != float64(want) {
		t.Errorf("it is listed as %v, struck %d times of 100", fault, want)
	}
	replay := set(
		uint64(fault["seed"].(float64)), faults.Fault{Do: faults.LoseDisconnect, Rate: 0.5},
	)
	if got := count(strikes(replay, faults.LoseDisconnect, 100)); got != want {
		t.Errorf("the replay struck %d times, want %d", got, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(
		`{"seed":7,"faults":[{"do":"answer","service":"sqs","operation":"SendMessage",` +
			`"status":503,"rate":0.1,"count":5}]}`,
	))
	f.Add([]byte(
		`{"faults":[{"do":"reorder","delay":"200ms","connection":"a="},{"do":"kill-after-write",` +
			`"nth":2}]}`,
	))
	f.Fuzz(func(t *testing.T, data []byte) {
		order, err := faults.Parse(data)
		if err != nil {
			return
		}
		again, err := json.Marshal(order)
		if err != nil {
			t.Fatal(err)
		}
		reread, err := faults.Parse(again)
		if err != nil || !cmp.Equal(order, reread) {
			t.Errorf("%s becomes %+v (%v), was %+v", again, reread, err, order)
		}
		new(faults.Set).Add(order)
	})
}
