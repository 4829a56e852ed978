package e2e_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"hark/localstack/e2e/wire"
)

// Lines 52 to 65 of the checklist (docs/protocol.md §9): presence.

// 52. Subscribe without channel_data by a connection that is not signed in MUST fail.
func TestLine52_NoChannelData(t *testing.T) {
	c, room := connect(t), unique("presence-room-")
	c.subscribe(room, c.auth(room))
	c.refused(room)
	c.pings()
	answers(t, get(t, "channels/"+room), 200, `{"occupied":false}`)
}

// 53. channel_data that is not JSON or lacks user_id MUST fail.
func TestLine53_BadChannelData(t *testing.T) {
	for _, data := range []string{
		`hello`, `[]`, `"7"`, `{}`, `{"user_info":{}}`, `{"user_id":""}`, `{"user_id":null}`,
		`{"user_id":{"id":7}}`,
		`{"user_id":true}`, `{"user_id":["7"]}`, `{"user_id":"7"`,
	} {
		t.Run(data, func(t *testing.T) {
			c, room := connect(t), unique("presence-room-")
			c.enter(room, data)
			c.refused(room)
			c.pings()
		})
	}
}

// 54. Success data MUST contain presence.count, ids, hash with the new member included.
func TestLine54_Members(t *testing.T) {
	room := unique("presence-room-")
	ann := connect(t)
	ann.enter(room, channelData("1", `{"name":"Ann"}`))
	ann.welcomed(room).has(t, "1") // otherwise members.me is null in pusher-js
	bob := connect(t)
	bob.enter(room, channelData("2", `{"name":"Bob"}`))
	r := bob.welcomed(room)
	r.has(t, "1", "2")
	for id, want := range map[string]string{"1": `{"name":"Ann"}`, "2": `{"name":"Bob"}`} {
		if got := string(r.Hash[id]); got != want {
			t.Errorf("hash of %s: %s, want %s", id, got, want)
		}
	}
	if r.Count != 2 {
		t.Errorf("count %d", r.Count)
	}
}

// 55. `hash` MUST be a JSON object in every case.
//
// The Java client looks up every ID in the hash. It must have an entry for each, also for a member
// without user_info.
func TestLine55_HashIsAnObject(t *testing.T) {
	for name, info := range map[string]string{
		"no user_info": "", "null": "null", "an object": `{"a":1}`, "an empty object": "{}",
		"a text": `"Ann"`, "an empty list": "[]",
	} {
		t.Run(name, func(t *testing.T) {
			c, room := connect(t), unique("presence-room-")
			c.enter(room, channelData("7", info))
			f := c.next(wire.SubscriptionSucceeded, room)
			var d struct{ Presence map[string]json.RawMessage }
			if err := json.Unmarshal([]byte(f.Data), &d); err != nil {
				t.Fatal(err)
			}
			if got := keys(t, d.Presence["hash"]); got != "7" {
				t.Errorf("got %s, want a hash with the key 7", f.Data)
			}
		})
	}
}

// 56. `ids`, user_id in member frames and client-event user_id MUST be strings.
func TestLine56_IDsAreStrings(t *testing.T) {
	room := unique("presence-room-")
	stays := member(t, room, "1", "")
	c := connect(t)
	c.enter(room, `{"user_id":7,"user_info":{"id":7}}`)
	if f := c.next(wire.SubscriptionSucceeded, room); !strings.Contains(f.Data, `"ids":["1","7"]`) {
		t.Errorf("got %s", f.Data)
	}
	if f := stays.next(wire.MemberAdded, room); f.Data != `{"user_id":"7","user_info":{"id":7}}` {
		t.Errorf("got %s", f.Data)
	}
	c.whispers(room, "client-typing", "{}")
	if f := stays.next("client-typing", room); !strings.Contains(string(f.Raw), `"user_id":"7"`) {
		t.Errorf("got %s", f.Raw)
	}
	c.leave(room)
	if f := stays.next(wire.MemberRemoved, room); f.Data != `{"user_id":"7"}` {
		t.Errorf("got %s", f.Data)
	}
}

// 57. The same user on two connections MUST count once.
func TestLine57_UserOnTwoConnections(t *testing.T) {
	room := unique("presence-room-")
	member(t, room, "1", "")
	c := connect(t)
	c.enter(room, channelData("1", ""))
	if r := c.welcomed(room); r.Count != 1 || len(r.IDs) != 1 {
		t.Errorf("got %+v", r)
	}
	answers(t, get(t, "channels/"+room, "info", "user_count"), 200,
		`{"occupied":true,"user_count":1}`)
}

// 58. Second connection of a user MUST NOT cause member_added.
func TestLine58_SecondConnectionComes(t *testing.T) {
	room := unique("presence-room-")
	stays := member(t, room, "1", "")
	member(t, room, "2", "")
	stays.sees(wire.MemberAdded, room, "2")
	member(t, room, "2", "")
	stays.receives(room)
	stays.quiet()
}

// 59. First of two connections leaving MUST NOT cause member_removed; the last MUST.
func TestLine59_LastConnectionLeaves(t *testing.T) {
	for name, leave := range map[string]func(client, string){
		"by unsubscribe": func(c client, room string) { c.leave(room) },
		"by close": func(c client, _ string) {
			if err := c.Close(); err != nil {
				c.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			room := unique("presence-room-")
			stays, first := member(t, room, "1", ""), member(t, room, "2", "")
			stays.sees(wire.MemberAdded, room, "2")
			second := member(t, room, "2", "")
			leave(first, room)
			if hark.Local() {
				eventually(t, func() bool { return subscribers(t, room) == 2 },
					"the row of the first to be removed")
			}
			stays.receives(room)
			stays.quiet()
			leave(second, room)
			stays.sees(wire.MemberRemoved, room, "2")
			stays.quiet()
		})
	}
}

// 60. member_added/removed MUST NOT go to the connection that joined/left.
func TestLine60_NotToTheMemberItself(t *testing.T) {
	room := unique("presence-room-")
	// member has read the success as the first frame
	stays, c := member(t, room, "1", ""), member(t, room, "2", "")
	stays.sees(wire.MemberAdded, room, "2")
	c.quiet()
	c.leave(room)
	stays.sees(wire.MemberRemoved, room, "2")
	c.quiet()
}

// 61. Ids `7` and `"7"` MUST be the same member.
func TestLine61_NumberAndText(t *testing.T) {
	room := unique("presence-room-")
	stays := member(t, room, "1", "")
	number, text := connect(t), connect(t)
	number.enter(room, `{"user_id":7}`)
	number.welcomed(room).has(t, "1", "7")
	stays.sees(wire.MemberAdded, room, "7")
	text.enter(room, `{"user_id":"7"}`)
	text.welcomed(room).has(t, "1", "7")
	number.leave(room)
	text.receives(room)
	stays.next("test", room)
	stays.quiet()
	text.leave(room)
	stays.sees(wire.MemberRemoved, room, "7")
}

// 62. member_added data MUST be a string with user_id and user_info; member_removed with user_id
// only.
func TestLine62_MemberFrames(t *testing.T) {
	room := unique("presence-room-")
	stays := member(t, room, "1", "")
	c := member(t, room, "2", `{"name":"Bob","tags":["a"]}`)
	want := `{"event":"pusher_internal:member_added","channel":"` + room +
		`","data":"{\"user_id\":\"2\",\"user_info\":{\"name\":\"Bob\",\"tags\":[\"a\"]}}"}`
	if f := stays.next(wire.MemberAdded, room); string(f.Raw) != want {
		t.Errorf("got %s, want %s", f.Raw, want)
	}
	c.leave(room)
	want = `{"event":"pusher_internal:member_removed","channel":"` + room +
		`","data":"{\"user_id\":\"2\"}"}`
	if f := stays.next(wire.MemberRemoved, room); string(f.Raw) != want {
		t.Errorf("got %s, want %s", f.Raw, want)
	}
}

// 63. Members over the limit (default 100) MUST be refused with an error, others unaffected.
func TestLine63_FullChannel(t *testing.T) {
	room := unique("presence-room-")
	t.Run("a hundred by default", func(t *testing.T) {
		stays := member(t, room, "0", "")
		all := make([]client, 99)
		var g errgroup.Group
		g.SetLimit(atOnce)
		for i := range all {
			all[i] = connect(t)
			g.Go(func() error {
				data := channelData(fmt.Sprint(i+1), "")
				return all[i].SendEvent("pusher:subscribe", map[string]string{
					"channel": room, "channel_data": data,
					"auth": hark.App.Auth(all[i].SocketID, room, data),
				})
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		for range all {
			stays.next(wire.MemberAdded, room)
		}
		full(t, hark.App, room, stays)
	})
	within(t, crowdPatience,
		func() bool { return get(t, "channels/"+room).Body == `{"occupied":false}` },
		"the end of the crowd")
	t.Run("three where the app says so", func(t *testing.T) {
		app := newApp(t, item{"max_presence_members_per_channel": 3})
		room := unique("presence-room-")
		var all []client
		for _, id := range []string{"0", "1", "2"} {
			c := connectTo(t, app)
			c.enter(room, channelData(id, ""))
			c.welcomed(room).has(t, []string{"0", "1", "2"}[:len(all)+1]...)
			for _, other := range all {
				other.sees(wire.MemberAdded, room, id)
			}
			all = append(all, c)
		}
		full(t, app, room, all[0])
		t.Run("until a member leaves", func(t *testing.T) {
			all[2].leave(room)
			all[0].sees(wire.MemberRemoved, room, "2")
			c := connectTo(t, app)
			c.enter(room, channelData("3", ""))
			c.welcomed(room).has(t, "0", "1", "3")
		})
	})
}

// full fails unless the full channel, on which stays is user 0, refuses one more user. Another
// connection of a member must be admitted.
func full(t *testing.T, app wire.App, room string, stays client) {
	t.Helper()
	c := connectTo(t, app)
	c.enter(room, channelData("one-too-many", ""))
	r := c.refused(room)
	if r.Type != "LimitReached" || r.Status != 4100 || !strings.Contains(r.Error, room) {
		t.Errorf("got %+v, want LimitReached, 4100 and the channel", r)
	}
	c.pings()
	second := connectTo(t, app)
	second.enter(room, channelData("0", ""))
	second.welcomed(room)
	second.receives(room)
	stays.next("test", room)
	stays.quiet()
	c.quiet()
}

// 64. User object over 1 KB and user id over 128 characters SHOULD be refused.
func TestLine64_LargeMembers(t *testing.T) {
	info := func(n int) string {
		return `{"about":"` + strings.Repeat("x", n-len(`{"about":""}`)) + `"}`
	}
	for _, tc := range []struct {
		name, data string
		ok         bool
	}{
		{"1 KB", channelData("7", info(1023)), true},
		{"1 KB and a byte", channelData("7", info(1024)), false},
		{"2 KB", channelData("7", info(2048)), false},
		{"an ID of 128 characters", channelData(strings.Repeat("x", 128), ""), true},
		{"an ID of 129 characters", channelData(strings.Repeat("x", 129), ""), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, room := connect(t), unique("presence-room-")
			c.enter(room, tc.data)
			if tc.ok {
				c.welcomed(room)
				return
			}
			if r := c.refused(room); r.Type != "LimitReached" {
				t.Errorf("got %+v, want LimitReached", r)
			}
			c.pings()
		})
	}
}

// 65. An abrupt disconnect MUST lead to member_removed for the others.
func TestLine65_AbruptDisconnect(t *testing.T) {
	room := unique("presence-room-")
	stays, c := member(t, room, "1", ""), member(t, room, "2", "")
	stays.sees(wire.MemberAdded, room, "2")
	if err := c.Drop(); err != nil {
		t.Fatal(err)
	}
	stays.sees(wire.MemberRemoved, room, "2")
	stays.quiet()
	answers(t, get(t, "channels/"+room+"/users"), 200, `{"users":[{"id":"1"}]}`)
}
