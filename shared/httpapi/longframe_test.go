package httpapi_test

import (
	"strconv"
	"strings"
	"testing"

	"hark/shared/pusher"
)

// API Gateway posts frames of up to 128 KB. If an app has raised its limit of data, the frame of an
// event may be longer, because the data is escaped in it. Such an event is refused when it is
// published, with both numbers.
func TestEventWhoseFrameIsTooLong(t *testing.T) {
	raise := func(a *pusher.App) { a.MaxEventData = 1 << 20 }
	overhead := len(pusher.EventFrame("e", "orders", ""))
	room := pusher.MaxFrame - overhead
	for _, c := range []struct {
		name, data string
		frame      int // its length if it is refused, 0 if it is not
	}{
		{"one that just fits", strings.Repeat("x", room), 0},
		{"one byte more", strings.Repeat("x", room+1), pusher.MaxFrame + 1},
		{"data of half the length that fits, escaped", strings.Repeat(`"`, room/2), 0},
		{"and that does not", strings.Repeat(`"`, room/2+1), overhead + 2*(room/2+1)},
		{
			"data of a sixth, the longest escapes", strings.Repeat("\x01", room/6+1),
			overhead + 6*(room/6+1),
		},
	} {
		for path, body := range map[string]string{
			"/events": `{"name":"e","channel":"orders","data":` + quoted(c.data) + `}`,
			"/batch_events": `{"batch":[{"name":"e","channel":"orders",` +
				`"data":` + quoted(c.data) + `}]}`,
		} {
			t.Run(c.name+path, func(t *testing.T) {
				s := newServer(t, raise)
				a := s.do(t, request{path: "/apps/3" + path, body: body})
				if c.frame == 0 {
					a.accepted(t, a.body)
					return
				}
				s.refused(t, a, 413,
					strconv.Itoa(c.frame)+" bytes, the limit is "+strconv.Itoa(pusher.MaxFrame))
				s.refused(t, a, 413, "orders")
			})
		}
	}
	t.Run("for one of several channels", func(t *testing.T) {
		s := newServer(t, raise)
		long := "o" + strings.Repeat("-", 100)
		body := `{"name":"e","channels":["orders","` + long + `"],"data":"` + strings.Repeat("x",
			room) + `"}`
		s.refused(t, s.do(t, request{body: body}), 413, long)
	})
	t.Run("with a long name", func(t *testing.T) {
		s := newServer(t, raise, func(a *pusher.App) { a.MaxEventName = 1 << 20 })
		body := `{"name":"` + strings.Repeat("e",
			pusher.MaxFrame) + `","channel":"orders","data":""}`
		s.refused(t, s.do(t, request{body: body}), 413, "its frame has")
	})
}
