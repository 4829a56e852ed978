package sqs_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/iam"
	"hark/localstack/cloud/meter"
	"hark/localstack/cloud/sqs"
)

// breaking returns a FIFO queue q.fifo with faults.
func breaking(t *testing.T, speed float64, all ...faults.Fault) bench {
	t.Helper()
	seed, set := uint64(7), new(faults.Set)
	set.Add(faults.Order{Seed: &seed, Faults: all})
	b := bench{TB: t, meter: new(meter.Meter)}
	b.Service = sqs.New(sqs.Options{
		Region: "us-east-1", Account: account, Endpoint: "http://localhost:4566", Meter: b.meter,
		Faults: set, Speed: speed,
	})
	spec := sqs.QueueSpec{
		QueueName: "q.fifo", FifoQueue: true, ContentBasedDeduplication: true,
		VisibilityTimeout: ptr(30),
	}
	if err := b.Create(spec); err != nil {
		t.Fatal(err)
	}
	if err := b.Create(sqs.QueueSpec{QueueName: "q", DelaySeconds: ptr(60)}); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestADeletedMessageCanComeAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := breaking(
			t, 1, faults.Fault{Do: faults.RepeatMessage, Delay: faults.Duration(5 * time.Second)},
		)
		b.send("q.fifo", "1", "2")
		got := b.gets("q.fifo", "1 2")
		b.send("q.fifo", "3")
		b.delete("q.fifo", got...)
		b.gets("q.fifo", "") // 3 waits for those before it
		b.takes(5*time.Second, func() { b.wants(b.receive("q.fifo", 20*time.Second), "1 2 3") })
		time.Sleep(30 * time.Second)
		b.delete("q.fifo", b.gets("q.fifo", "1 2 3")...) // 1 and 2 for good
		time.Sleep(5 * time.Second)
		b.delete("q.fifo", b.gets("q.fifo", "3")...)
		time.Sleep(time.Minute)
		b.gets("q.fifo", "")
	})
}

func TestAMessageInFlightCanComeAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := breaking(
			t, 1, faults.Fault{Do: faults.RepeatMessage, Operation: "ReceiveMessage", Count: 1},
		)
		b.send("q.fifo", "1")
		first := b.gets("q.fifo", "1")
		b.delete("q.fifo", b.gets("q.fifo", "1")...) // while the first receiver has it
		if err := b.Delete(b.Context(), arnPrefix+"q.fifo", first[0].ReceiptHandle); err != nil {
			t.Errorf("the first receiver cannot delete what is gone: %v", err)
		}
		b.gets("q.fifo", "")
	})
}

func TestMessagesComeAgainToTheFunctionThatIsNamed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := breaking(t, 1, faults.Fault{Do: faults.RepeatMessage, Function: "broadcast"})
		for function, again := range map[string]bool{
			"Hark-broadcast": true, "Hark-webhook": false,
		} {
			b.send("q.fifo", function)
			role := &iam.Role{Name: "r", Session: function, Statements: []iam.Statement{
				{Effect: "Allow", Actions: []string{"*"}, Resources: []string{"*"}},
			}}
			ctx := iam.WithRole(b.Context(), role)
			got, err := b.Receive(ctx, arnPrefix+"q.fifo", 10, 0)
			if err != nil || len(got) != 1 {
				t.Fatal(got, err)
			}
			if err := b.Delete(ctx, arnPrefix+"q.fifo", got[0].ReceiptHandle); err != nil {
				t.Fatal(err)
			}
			if left := b.receive("q.fifo", 0); (len(left) == 1) != again {
				t.Errorf("%s gets %d messages again", function, len(left))
			} else {
				b.delete("q.fifo", left...)
			}
		}
	})
}

func TestRequestsCanBeRefused(t *testing.T) {
	t.Parallel()
	b := breaking(t, 1, faults.Fault{Do: faults.Answer, Status: 429, Count: 1}, faults.Fault{
		Do: faults.Answer, Status: 503, Count: 1,
	})
	for _, want := range []struct {
		status int
		code   string
	}{
		{http.StatusForbidden, "RequestThrottled"},
		{http.StatusServiceUnavailable, "InternalError"},
		{http.StatusOK, ""},
	} {
		status, code := b.call(
			b.Context(), "SendMessage", "q", map[string]any{"MessageBody": "x"}, nil,
		)
		if status != want.status || code != want.code {
			t.Errorf("answers %d %s, want %d %s", status, code, want.status, want.code)
		}
	}
}

func TestTimeCanBeCompressed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := breaking(t, 60)
		b.send("q.fifo", "1")
		b.gets("q.fifo", "1")
		// visibility of 30 s
		b.takes(time.Second/2, func() { b.wants(b.receive("q.fifo", 20*time.Second), "1") })
		b.send("q", "x")
		b.takes(time.Second, func() { // delay of 60 s
			got := b.receive("q", 20*time.Second)
			b.wants(got, "x")
			b.delete("q", got...)
		})
		// a long poll stays as it is
		b.takes(20*time.Second, func() { b.wants(b.receive("q", 20*time.Second), "") })
	})
}
