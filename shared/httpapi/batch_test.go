package httpapi_test

import (
	"fmt"
	"strings"
	"testing"
)

// batch is a batch of n events to channels c0, c1, ...
func batch(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`{"name":"e%d","data":"d%d","channel":"c%d"}`, i, i, i))
	}
	return `{"batch":[` + strings.Join(list, ",") + "]}"
}

func (s *server) batch(t *testing.T, body string) answer {
	t.Helper()
	return s.do(t, request{path: "/apps/3/batch_events", body: body})
}

// The numbers are those of docs/protocol.md §9.
func TestBatch(t *testing.T) {
	t.Run("111 112 10 events, in their order", func(t *testing.T) {
		s := newServer(t)
		s.batch(t, batch(10)).accepted(t, "{}")
		if len(s.got) != 10 || s.calls != 1 {
			t.Fatalf("published %d events in %d calls", len(s.got), s.calls)
		}
		for i, b := range s.got {
			want := fmt.Sprintf(`{"event":"e%d","channel":"c%d","data":"d%d"}`, i, i, i)
			if string(b.Channel) != fmt.Sprint("c", i) || string(b.Frame) != want || b.Cache {
				t.Errorf("got %+v: %s", b, b.Frame)
			}
		}
	})
	t.Run("events for one channel stay two events", func(t *testing.T) {
		s := newServer(t)
		s.batch(t, `{"batch":[
			{"name":"e","data":"d","channel":"a"},
			{"name":"e","data":"d","channel":"a"}]}`).
			accepted(t, "{}")
		if len(s.got) != 2 {
			t.Errorf("got %+v", s.got)
		}
	})
	t.Run("103 each event excepts a connection of its own", func(t *testing.T) {
		s := newServer(t)
		s.batch(t, `{"batch":[
			{"name":"e","data":"","channel":"cache-a","socket_id":"1.2"},
			{"name":"e","data":"","channel":"#server-to-user-7"}]}`).
			accepted(t, "{}")
		if first := s.got[0]; first.Except != "1.2" || !first.Cache {
			t.Errorf("got %+v", first)
		}
		if second := s.got[1]; second.Except != "" || second.Channel != "#server-to-user-7" {
			t.Errorf("got %+v", second)
		}
	})
	t.Run("113 info answers each event in its place", func(t *testing.T) {
		s := newServer(t)
		s.subscribe(t, "orders", "a", "b")
		s.join(t, "presence-room", "a", "7")
		s.join(t, "presence-room", "b", "7")
		s.batch(t, `{"batch":[
			{"name":"e","data":"","channel":"presence-room","info":"user_count,subscription_count"},
			{"name":"e","data":"","channel":"orders"},
			{"name":"e","data":"","channel":"orders","info":"subscription_count"},
			{"name":"e","data":"","channel":"orders","info":"user_count"},
			{"name":"e","data":"","channel":"empty","info":"subscription_count"}]}`).
			accepted(t,
				`{"batch":[{"user_count":1},{},{"subscription_count":2},{},`+
					`{"subscription_count":0}]}`)
		if len(s.got) != 5 {
			t.Errorf("published %+v", s.got)
		}
	})
}

// Checklist 114: one event that is refused keeps the others from being delivered.
func TestBatchRefusals(t *testing.T) {
	with := func(e string) string {
		return `{"batch":[{"name":"e","data":"d","channel":"a"},` + e + `]}`
	}
	for _, c := range []struct {
		name, body string
		status     int
		says       string
	}{
		{"111 11 events", batch(11), 400, "more than 10 events at once: there are 11"},
		{"no events", `{"batch":[]}`, 400, "batch"},
		{"no batch", `{}`, 400, "batch"},
		{"a batch that is an object", `{"batch":{}}`, 400, "batch"},
		{"108 no JSON", `hello`, 400, "JSON"},
		{"108 a list alone", `[{"name":"e","data":"d","channel":"a"}]`, 400, "JSON"},
		{"114 an event that is null", with(`null`), 400, "batch[1]: The name"},
		{"114 no name", with(`{"data":"d","channel":"a"}`), 400, "batch[1]: The name"},
		{"114 no data", with(`{"name":"e","channel":"a"}`), 400, "batch[1]: The data"},
		{
			"114 data that is an object", with(`{"name":"e","channel":"a","data":{}}`), 400,
			"batch.data",
		},
		{"114 no channel", with(`{"name":"e","data":"d"}`), 400, "batch[1]: The channel"},
		{
			"114 several channels", with(`{"name":"e","data":"d","channels":["a"]}`), 400,
			"batch[1]: The channel",
		},
		{"114 a bad channel", with(`{"name":"e","data":"d","channel":"a b"}`), 400, "a b"},
		{
			"114 a reserved name", with(`{"name":"pusher:e","data":"d","channel":"a"}`), 400,
			"reserved",
		},
		{
			"114 a malformed socket ID",
			with(`{"name":"e","data":"d","channel":"a","socket_id":"x"}`), 400, "socket_id",
		},
		{
			"114 data of 10241 bytes",
			with(`{"name":"e","channel":"orders","data":"` + strings.Repeat("x", 10241) + `"}`),
			413,
			"batch[1]: The data content of this event exceeds the allowed maximum (10240 bytes): " +
				"10241 bytes for channel orders",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			s.refused(t, s.batch(t, c.body), c.status, c.says)
		})
	}
}
