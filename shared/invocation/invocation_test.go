package invocation_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hark/shared/invocation"
)

func TestEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		killed, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		ctx, cancel := invocation.Early(killed)
		defer cancel()
		if end, _ := ctx.Deadline(); time.Until(end) != 9*time.Second {
			t.Errorf("ends in %s", time.Until(end))
		}
		free, cancel := invocation.Early(t.Context())
		defer cancel()
		if _, bound := free.Deadline(); bound {
			t.Error("a context without a deadline has one now")
		}
	})
}

// Overtime that begins at the last moment ends before Lambda kills the function.
func TestOvertimeFitsInWhatEarlyKeepsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		killed, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		ctx, cancel := invocation.Early(killed)
		defer cancel()
		<-ctx.Done()
		last, cancel := invocation.Overtime(ctx)
		defer cancel()
		if last.Err() != nil {
			t.Error("over before it began")
		}
		<-last.Done()
		if killed.Err() != nil {
			t.Error("the function is killed before it ends")
		}
	})
}

func TestRecovered(t *testing.T) {
	try := func(f func()) (err error) {
		defer invocation.Recovered(&err)
		f()
		return errors.New("its own")
	}
	err := try(func() { panic("boom") })
	if err == nil || !strings.HasPrefix(err.Error(), "panic: boom\n") ||
		!strings.Contains(err.Error(), "invocation_test.go") {
		t.Errorf("got %v", err)
	}
	if err := try(func() {}); err == nil || err.Error() != "its own" {
		t.Errorf("got %v", err)
	}
}
