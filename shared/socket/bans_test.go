package socket_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"hark/shared/pusher"
)

func TestBannedUsers(t *testing.T) {
	const data = `{"user_id":"7"}`
	const until = "The user 7 is banned until 2026-11-24T13:00:01Z"
	signingIn, joining := signIn(`{"id":"7"}`), subscribe("presence-a",
		sign(socketID+":presence-a:"+data), data)
	in := func(d time.Duration) map[string]time.Time {
		return map[string]time.Time{"7": time.UnixMilli(stamp).Add(d)}
	}
	begin := func(b bans) *conversation {
		c := newConversation(func(s *pusher.Settings) { s.Bans = true })
		*c.bans = b
		return c
	}
	t.Run("a sign-in is refused, and the connection stays open", func(t *testing.T) {
		c := begin(bans{until: in(time.Hour)})
		c.says(t, signingIn)
		c.refused(t, 4009, until)
	})
	t.Run("so is a presence channel", func(t *testing.T) {
		c := begin(bans{until: in(time.Hour)})
		c.says(t, joining)
		c.notSubscribed(t, "presence-a", "AuthError", 401, 4009, until)
	})
	t.Run("also to who would be there by a sign-in", func(t *testing.T) {
		c := begin(bans{until: in(time.Hour)})
		c.members.user = "7"
		c.says(t, subscribe("presence-a", sign(socketID+":presence-a"), ""))
		c.notSubscribed(t, "presence-a", "AuthError", 401, 4009, until)
	})
	t.Run("others are let in, once it is over also the user", func(t *testing.T) {
		for _, b := range []bans{{}, {until: map[string]time.Time{"8": time.UnixMilli(stamp).Add(time.Hour)}}, {until: in(0)}} {
			c := begin(b)
			c.says(t, signingIn)
			c.says(t, joining)
			c.says(t, subscribe("orders", "", ""))
			c.has(t)
			c.noted(t, `sign in 7 watching 0: {"id":"7"}`, "enter presence-a as 7  1795521601000",
				"on orders 1795521601000")
			if want := []string{"3 7", "3 7", "3 7"}; !slices.Equal(c.bans.asked, want) {
				t.Errorf("asked for %q, want %q", c.bans.asked, want)
			}
		}
	})
	t.Run("a user who is banned while signing in is told and closed", func(t *testing.T) {
		c := begin(bans{later: in(time.Hour)})
		c.says(t, signingIn)
		c.ended(t, 4009)
	})
	t.Run("an app that bans nobody does not pay for it", func(t *testing.T) {
		c := newConversation()
		c.bans.until = in(time.Hour)
		c.says(t, signingIn)
		c.says(t, joining)
		c.has(t)
		if len(c.bans.asked) != 0 {
			t.Errorf("asked for %q", c.bans.asked)
		}
	})
	t.Run("a user who cannot be looked up must come back", func(t *testing.T) {
		for _, frame := range []string{signingIn, joining} {
			c := begin(bans{err: errors.New("inner-text of the table")})
			c.says(t, frame)
			c.ended(t, 4200)
			c.noted(t)
		}
	})
}

// ended asserts an error and the end of the connection.
func (c *conversation) ended(t *testing.T, code int) {
	t.Helper()
	if len(c.got) != 2 || c.got[1] != "closed" {
		t.Fatalf("got %q, want an error and the end", c.got)
	}
	errorFrame(t, c.got[0], code)
}
