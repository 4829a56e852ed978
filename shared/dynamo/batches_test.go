package dynamo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"hark/shared/dynamo"
	"hark/shared/state"
)

// overloaded returns a state table that does not do all that it is asked. answer may answer the nth
// request of the operation, counted from 1; the local engine answers those for which it returns
// false, and all other requests.
func overloaded(
	t *testing.T, operation string, answer func(n int, body []byte, w http.ResponseWriter) bool,
) *dynamo.State {
	t.Helper()
	db := engine(t)
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		is := strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+operation)
		if is && answer(int(calls.Add(1)), body, w) {
			return
		}
		db.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return &dynamo.State{Client: client(server.URL), Table: "state"}
}

// unprocessed answers that nothing of the batch was done.
func unprocessed(w http.ResponseWriter, body []byte, name string) {
	var in struct{ RequestItems json.RawMessage }
	if err := json.Unmarshal(body, &in); err != nil {
		panic(err) // the SDK sends JSON
	}
	_, _ = fmt.Fprintf(w, `{"Responses":{},%q:%s}`, name, in.RequestItems)
}

func TestBatchesAreRepeatedUntilTheyAreDone(t *testing.T) {
	s := overloaded(t, "BatchWriteItem", func(n int, body []byte, w http.ResponseWriter) bool {
		if n%2 == 0 {
			return false
		}
		unprocessed(w, body, "UnprocessedItems")
		return true
	})
	watched := make([]string, 60)
	for i := range watched {
		watched[i] = fmt.Sprintf("user-%d", i)
	}
	rows := func(want int) {
		t.Helper()
		n := 0
		for _, user := range watched {
			watchers, err := s.Watchers(t.Context(), app, user, now, 0)
			must(t, err)
			n += len(watchers)
		}
		if n != want {
			t.Errorf("%d rows, want %d", n, want)
		}
	}
	must(t, s.Watch(t.Context(), signedIn(app, "ann", id), watched))
	rows(60)
	must(t, s.Unwatch(t.Context(), app, id, watched))
	rows(0)
}

func TestConnectionAndMarkerRepeatsARead(t *testing.T) {
	s := overloaded(t, "BatchGetItem", func(n int, body []byte, w http.ResponseWriter) bool {
		if n > 2 {
			return false
		}
		unprocessed(w, body, "UnprocessedKeys")
		return true
	})
	c := putConnection(t, s)
	ok, err := s.PutMarker(t.Context(), app, news, now)
	held(t, "put", true, ok, err)
	got, marker, err := s.ConnectionAndMarker(t.Context(), c, news)
	if err != nil || got.Dead || !marker.Exists {
		t.Errorf("read %+v and %+v, error %v", got, marker, err)
	}
}

// A batch that DynamoDB never finishes fails when the context ends.
func TestABatchThatNeverEndsFailsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	never := func(name string) func(int, []byte, http.ResponseWriter) bool {
		return func(n int, body []byte, w http.ResponseWriter) bool {
			if n == 3 {
				cancel()
			}
			unprocessed(w, body, name)
			return true
		}
	}
	s := overloaded(t, "BatchWriteItem", never("UnprocessedItems"))
	err := s.Watch(ctx, signedIn(app, "ann", id), []string{"bob"})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("write: %v", err)
	}
	s = overloaded(t, "BatchGetItem", never("UnprocessedKeys"))
	_, _, err = s.ConnectionAndMarker(ctx, state.Connection{ID: id, App: app}, news)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("read: %v", err)
	}
}

// cancelled returns an answer that a transaction was cancelled, with the reason for each write.
func cancelled(reasons ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.WriteHeader(http.StatusBadRequest)
		codes := make([]map[string]string, len(reasons))
		for i, r := range reasons {
			codes[i] = map[string]string{"Code": r}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{
			"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",

			"CancellationReasons": codes,
		})
	}
}

func TestCancelledTransactions(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(http.ResponseWriter)
		times  int
		want   int // open connections in the end
		fails  bool
	}{
		{"one that met another is repeated", cancelled("None", "TransactionConflict"), 3, 1, false},
		{"one that was throttled is repeated", cancelled("None", "ThrottlingError"), 1, 1, false},
		{
			"one whose row exists does nothing",
			cancelled("ConditionalCheckFailed", "None"), 1, 0, false,
		},
		{
			"one whose row exists does nothing, whatever else is wrong",
			cancelled("ConditionalCheckFailed", "TransactionConflict"), 1, 0, false,
		},
		{
			"one that is refused for another reason fails",
			cancelled("None", "ItemCollectionSizeLimitExceeded"), 1, 0, true,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer := func(n int, _ []byte, w http.ResponseWriter) bool {
				if n > c.times {
					return false
				}
				c.answer(w)
				return true
			}
			s := overloaded(t, "TransactWriteItems", answer)
			err := s.PutConnection(t.Context(), state.Connection{
				ID: id, App: app, ConnectedAt: now, Counted: true,
			})
			if (err != nil) != c.fails {
				t.Errorf("error %v", err)
			}
			if n, err := s.OpenConnections(t.Context(), app); err != nil || n != c.want {
				t.Errorf("%d open connections, error %v, want %d", n, err, c.want)
			}
		})
	}
}

func TestATransactionThatAlwaysMeetsAnotherFailsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := overloaded(t, "TransactWriteItems", func(n int, _ []byte, w http.ResponseWriter) bool {
		if n == 3 {
			cancel()
		}
		cancelled("None", "TransactionConflict")(w)
		return true
	})
	err := s.PutConnection(ctx, state.Connection{
		ID: id, App: app, ConnectedAt: now, Counted: true,
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
