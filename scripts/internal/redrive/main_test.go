package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hark/localstack/cloud/sqs"
)

const (
	account = "000000000000"
	arns    = "arn:aws:sqs:us-east-1:" + account + ":"
)

// rig is a queue with a dead-letter queue. scripts/redrive finds them by the SDK's own variables.
type rig struct {
	*sqs.Service
	t   *testing.T
	url string // what queues' URLs begin with
}

func newRig(t *testing.T) rig {
	t.Helper()
	r := rig{t: t}
	server := httptest.NewServer(http.HandlerFunc(
		func(w http.ResponseWriter, req *http.Request) { r.ServeHTTP(w, req) }))
	t.Cleanup(server.Close)
	r.url = server.URL + "/" + account + "/"
	r.Service = sqs.New(sqs.Options{Region: "us-east-1", Account: account, Endpoint: server.URL})
	dead := &sqs.RedrivePolicy{DeadLetterTargetARN: arns + "dead.fifo", MaxReceiveCount: 1}
	for _, spec := range []sqs.QueueSpec{
		{QueueName: "dead.fifo", FifoQueue: true},
		{
			QueueName: "work.fifo", FifoQueue: true,
			RedrivePolicy: dead, ContentBasedDeduplication: true,
		},
		{QueueName: "other.fifo", FifoQueue: true},
	} {
		if err := r.Create(spec); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	return r
}

// sendDead sends messages of a group, which then fail and go to the dead-letter queue.
func (r rig) sendDead(group string, bodies ...string) {
	r.t.Helper()
	for _, body := range bodies {
		if err := r.Send(r.t.Context(), arns+"work.fifo", group, body); err != nil {
			r.t.Fatal(err)
		}
	}
	for _, m := range r.receive("work.fifo") {
		err := r.ChangeVisibility(r.t.Context(), arns+"work.fifo", m.ReceiptHandle, 0)
		if err != nil {
			r.t.Fatal(err)
		}
	}
	r.receive("work.fifo") // moves them to the dead-letter queue
}

func (r rig) receive(queue string) []sqs.Message {
	r.t.Helper()
	messages, err := r.Receive(r.t.Context(), arns+queue, 10, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	return messages
}

func (r rig) redrive(args ...string) (string, error) {
	var out strings.Builder
	err := run(r.t.Context(), args, &out)
	return out.String(), err
}

// wantMessages checks the bodies that a queue hands out, by group and in order.
func (r rig) wantMessages(queue string, want map[string]string) {
	r.t.Helper()
	got := map[string]string{}
	for _, m := range r.receive(queue) {
		group := m.Attributes["MessageGroupId"]
		got[group] = strings.TrimSpace(got[group] + " " + m.Body)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		r.t.Errorf("%s has %v, want %v", queue, got, want)
	}
}

func TestRedriveMovesDeadLettersBackInOrder(t *testing.T) {
	r := newRig(t)
	r.sendDead("a", "1", "2", "3")
	r.sendDead("b", "4", "5")
	printed, err := r.redrive(r.url + "dead.fifo")
	if want := "5 messages moved to " + r.url + "work.fifo\n"; err != nil || printed != want {
		t.Errorf("it printed %q (%v), want %q", printed, err, want)
	}
	r.wantMessages("work.fifo", map[string]string{"a": "1 2 3", "b": "4 5"})
	r.wantMessages("dead.fifo", map[string]string{})
}

func TestRedriveMovesToAnotherQueue(t *testing.T) {
	r := newRig(t)
	r.sendDead("a", "1")
	dead, other := r.url+"dead.fifo", r.url+"other.fifo"
	printed, err := r.redrive(dead, other)
	if err != nil || !strings.HasPrefix(printed, "1 messages moved") {
		t.Errorf("it printed %q (%v)", printed, err)
	}
	r.wantMessages("other.fifo", map[string]string{"a": "1"})
	printed, err = r.redrive(dead, other)
	if err != nil || !strings.HasPrefix(printed, "0 messages moved") {
		t.Errorf("of an empty queue it printed %q (%v)", printed, err)
	}
}

func TestRedriveMovesNothingTwice(t *testing.T) {
	r := newRig(t)
	r.sendDead("a", "1", "2", "3")
	dead := r.url + "dead.fifo" // what is moved is back at once
	printed, err := r.redrive(dead, dead)
	if err != nil || !strings.HasPrefix(printed, "3 messages moved") {
		t.Errorf("it printed %q (%v)", printed, err)
	}
	r.wantMessages("dead.fifo", map[string]string{"a": "1 2 3"})
}

func TestRedriveRefusesQueuesItCannotUse(t *testing.T) {
	r := newRig(t)
	r.sendDead("a", "1")
	dead, nowhere := r.url+"dead.fifo", r.url+"nowhere.fifo"
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"no queue":                    {nil, "usage"},
		"three queues":                {[]string{"a", "b", "c"}, "usage"},
		"not a dead-letter queue":     {[]string{r.url + "other.fifo"}, "of 0 queues"},
		"a queue that does not exist": {[]string{nowhere}, "NonExistentQueue"},
		"to one that does not exist":  {[]string{dead, nowhere}, "NonExistentQueue"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := r.redrive(c.args...)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
}
