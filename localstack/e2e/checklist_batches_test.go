package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"hark/localstack/e2e/wire"
)

// Lines 111 to 114 of the checklist (docs/protocol.md §9): batches.

// batch is a request that publishes these events as a batch.
func batch(t *testing.T, items ...map[string]string) wire.Request {
	t.Helper()
	return wire.Request{
		Method: http.MethodPost, Path: "batch_events",
		Body: body(t, map[string]any{"batch": items}),
	}
}

// 111. Batch of 10 MUST pass, 11 MUST give 400.
func TestLine111_BatchSize(t *testing.T) {
	ch := unique("room-")
	c := subscriber(t, ch)
	var items []map[string]string
	for n := range 11 {
		items = append(items,
			map[string]string{"name": "tick", "channel": ch, "data": fmt.Sprint(n)})
	}
	answers(t, post(t, batch(t, items[:10]...)), 200, "{}")
	for n := range 10 {
		if f := c.next("tick", ch); f.Data != fmt.Sprint(n) {
			t.Errorf("got %s, want %d", f.Raw, n)
		}
	}
	declined(t, batch(t, items...), 400)
	declined(t, batch(t), 400)
	c.quiet()
}

// 112. Batch without info MUST answer `{}`.
func TestLine112_BatchWithoutInfo(t *testing.T) {
	a, b := unique("room-"), unique("private-room-")
	c := subscriber(t, a, b)
	got := post(t, batch(t,
		map[string]string{"name": "one", "channel": a, "data": "1", "socket_id": "1.2"},
		map[string]string{"name": "two", "channel": b, "data": "2"}))
	answers(t, got, 200, "{}")
	events := map[string]string{}
	for range 2 {
		f, err := c.Next(patience)
		if err != nil {
			t.Fatal(err)
		}
		events[f.Event] = f.Channel + f.Data
	}
	if events["one"] != a+"1" || events["two"] != b+"2" {
		t.Errorf("got %v", events)
	}
	t.Run("each leaves its own socket out", func(t *testing.T) {
		post(t, batch(t,
			map[string]string{"name": "mine", "channel": a, "data": "1", "socket_id": c.SocketID},
			map[string]string{"name": "all", "channel": a, "data": "2"}))
		c.next("all", a)
	})
}

// 113. Batch with info MUST answer an index-aligned array.
func TestLine113_BatchWithInfo(t *testing.T) {
	room, news := unique("presence-room-"), unique("news-")
	member(t, room, "1", "")
	subscriber(t, news)
	got := post(t, batch(t,
		map[string]string{"name": "a", "channel": room, "data": "{}", "info": "user_count"},
		map[string]string{"name": "b", "channel": news, "data": "{}"},
		map[string]string{
			"name": "c", "channel": news, "data": "{}", "info": "subscription_count,user_count",
		},
	))
	answers(t, got, 200, `{"batch":[{"user_count":1},{},{"subscription_count":1}]}`)
}

// 114. An invalid batch item MUST prevent delivery of the whole batch.
func TestLine114_InvalidBatchItem(t *testing.T) {
	ch := unique("room-")
	c := subscriber(t, ch)
	good := map[string]string{"name": "good", "channel": ch, "data": "{}"}
	for name, tc := range map[string]struct {
		bad  map[string]string
		want int
	}{
		"no channel":    {map[string]string{"name": "a", "data": "{}"}, 400},
		"no name":       {map[string]string{"channel": ch, "data": "{}"}, 400},
		"no data":       {map[string]string{"name": "a", "channel": ch}, 400},
		"a bad channel": {map[string]string{"name": "a", "channel": "a b", "data": "{}"}, 400},
		"a bad socket_id": {
			map[string]string{"name": "a", "channel": ch, "data": "{}", "socket_id": "x"}, 400,
		},
		"a reserved name": {
			map[string]string{"name": "pusher:error", "channel": ch, "data": "{}"}, 400,
		},
		"data of 10241": {
			map[string]string{"name": "a", "channel": ch, "data": strings.Repeat("x", 10241)}, 413,
		},
	} {
		t.Run(name, func(t *testing.T) { declined(t, batch(t, good, tc.bad, good), tc.want) })
	}
	t.Run("data that is an object", func(t *testing.T) {
		items, err := json.Marshal([]any{
			good, map[string]any{"name": "a", "channel": ch, "data": map[string]int{"n": 1}},
		})
		if err != nil {
			t.Fatal(err)
		}
		declined(t,
			wire.Request{Path: "batch_events", Body: []byte(`{"batch":` + string(items) + `}`)},
			400)
	})
	c.receives(ch)
	c.quiet()
}
