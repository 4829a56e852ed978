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

// busy is the local engine behind a table that does in part, or not at all, what it is asked at first: answer may answer a call
// of the operation itself, with the nth from 1; the engine does if it does not.
func busy(t *testing.T, operation string, answer func(n int, body []byte, w http.ResponseWriter) bool) *dynamo.State {
	t.Helper()
	db := engine(t)
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+operation) && answer(int(calls.Add(1)), body, w) {
			return
		}
		db.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return &dynamo.State{Client: client(server.URL), Table: "state"}
}

// unprocessed answers that nothing was done of the batch.
func unprocessed(w http.ResponseWriter, body []byte, name string) {
	var in struct{ RequestItems json.RawMessage }
	if err := json.Unmarshal(body, &in); err != nil {
		panic(err) // the SDK sends JSON
	}
	_, _ = fmt.Fprintf(w, `{"Responses":{},%q:%s}`, name, in.RequestItems)
}

func TestBatchesAreFinished(t *testing.T) {
	s := busy(t, "BatchWriteItem", func(n int, body []byte, w http.ResponseWriter) bool {
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
	there := func(want int) {
		t.Helper()
		n := 0
		for _, user := range watched {
			watchers, err := s.Watchers(t.Context(), app, user, now, 0)
			do(t, err)
			n += len(watchers)
		}
		if n != want {
			t.Errorf("%d rows, want %d", n, want)
		}
	}
	do(t, s.Watch(t.Context(), signedIn(app, "ann", id), watched))
	there(60)
	do(t, s.Unwatch(t.Context(), app, id, watched))
	there(0)
}

func TestBothRowsAreRead(t *testing.T) {
	s := busy(t, "BatchGetItem", func(n int, body []byte, w http.ResponseWriter) bool {
		if n > 2 {
			return false
		}
		unprocessed(w, body, "UnprocessedKeys")
		return true
	})
	c := opened(t, s)
	ok, err := s.PutMarker(t.Context(), app, news, now)
	held(t, "put", true, ok, err)
	got, marker, err := s.ConnectionAndMarker(t.Context(), c, news)
	if err != nil || got.Dead || !marker.Exists {
		t.Errorf("read %+v and %+v, error %v", got, marker, err)
	}
}

// What DynamoDB never gets to ends with the context, and is not taken for done.
func TestABatchThatNeverEnds(t *testing.T) {
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
	s := busy(t, "BatchWriteItem", never("UnprocessedItems"))
	if err := s.Watch(ctx, signedIn(app, "ann", id), []string{"bob"}); !errors.Is(err, context.Canceled) {
		t.Errorf("write: %v", err)
	}
	s = busy(t, "BatchGetItem", never("UnprocessedKeys"))
	if _, _, err := s.ConnectionAndMarker(ctx, state.Connection{ID: id, App: app}, news); !errors.Is(err, context.Canceled) {
		t.Errorf("read: %v", err)
	}
}

func TestCancelledTransactions(t *testing.T) {
	cancelled := func(reasons ...string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusBadRequest)
			codes := make([]map[string]string, len(reasons))
			for i, r := range reasons {
				codes[i] = map[string]string{"Code": r}
			}
			_ = json.NewEncoder(w).Encode(map[string]any{
				"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", "CancellationReasons": codes,
			})
		}
	}
	for _, c := range []struct {
		name   string
		answer func(http.ResponseWriter)
		times  int
		want   int // connections that are open in the end
		fails  bool
	}{
		{"one that ran into others begins again", cancelled("None", "TransactionConflict"), 3, 1, false},
		{"one that was throttled begins again", cancelled("None", "ThrottlingError"), 1, 1, false},
		{"one whose row is there does nothing", cancelled("ConditionalCheckFailed", "None"), 1, 0, false},
		{"one whose row is there does nothing, whatever else is wrong", cancelled("ConditionalCheckFailed", "TransactionConflict"), 1, 0, false},
		{"one that is refused for good fails", cancelled("None", "ItemCollectionSizeLimitExceeded"), 1, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := busy(t, "TransactWriteItems", func(n int, _ []byte, w http.ResponseWriter) bool {
				if n > c.times {
					return false
				}
				c.answer(w)
				return true
			})
			err := s.PutConnection(t.Context(), state.Connection{ID: id, App: app, ConnectedAt: now, Counted: true})
			if (err != nil) != c.fails {
				t.Errorf("error %v", err)
			}
			if n, err := s.OpenConnections(t.Context(), app); err != nil || n != c.want {
				t.Errorf("%d open connections, error %v, want %d", n, err, c.want)
			}
		})
	}
	t.Run("one that always runs into others ends with its context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := busy(t, "TransactWriteItems", func(n int, _ []byte, w http.ResponseWriter) bool {
			if n == 3 {
				cancel()
			}
			cancelled("None", "TransactionConflict")(w)
			return true
		})
		err := s.PutConnection(ctx, state.Connection{ID: id, App: app, ConnectedAt: now, Counted: true})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}
