package socket_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"hark/shared/pusher"
)

// The user 7, banned until an hour after the frames of the tests.
const (
	memberData = `{"user_id":"7"}`
	until      = "The user 7 is banned until 2026-11-24T13:00:01Z"
)

// banned returns that the user 7 is banned until the time since the frames of the tests.
func banned(d time.Duration) map[string]time.Time {
	return map[string]time.Time{"7": time.UnixMilli(stamp).Add(d)}
}

// joining returns the frame with which the user 7 subscribes to a presence channel.
func joining() string {
	return subscribe("presence-a", sign(socketID+":presence-a:"+memberData), memberData)
}

func newConversationWithBans(b bans) *conversation {
	c := newConversation(func(s *pusher.Settings) { s.Bans = true })
	*c.bans = b
	return c
}

func TestBannedUsersAreRefused(t *testing.T) {
	t.Run("a sign-in is refused, and the connection stays open", func(t *testing.T) {
		c := newConversationWithBans(bans{until: banned(time.Hour)})
		c.sends(t, signIn(`{"id":"7"}`))
		c.refused(t, 4009, until)
	})
	t.Run("so is a subscribe to a presence channel", func(t *testing.T) {
		c := newConversationWithBans(bans{until: banned(time.Hour)})
		c.sends(t, joining())
		c.notSubscribed(t, "presence-a", "AuthError", 401, 4009, until)
	})
	t.Run("also of a user who is signed in", func(t *testing.T) {
		c := newConversationWithBans(bans{until: banned(time.Hour)})
		c.members.user = "7"
		c.sends(t, subscribe("presence-a", sign(socketID+":presence-a"), ""))
		c.notSubscribed(t, "presence-a", "AuthError", 401, 4009, until)
	})
	t.Run("a user who is banned while signing in is sent the error and closed", func(t *testing.T) {
		c := newConversationWithBans(bans{later: banned(time.Hour)})
		c.sends(t, signIn(`{"id":"7"}`))
		c.ended(t, 4009)
	})
	t.Run("a client whose ban cannot be read must reconnect", func(t *testing.T) {
		for _, frame := range []string{signIn(`{"id":"7"}`), joining()} {
			c := newConversationWithBans(bans{err: errors.New("inner-text of the table")})
			c.sends(t, frame)
			c.ended(t, 4200)
			c.recorded(t)
		}
	})
}

func TestOtherUsersAreNotBanned(t *testing.T) {
	t.Run("another user, and the user after the ban", func(t *testing.T) {
		other := map[string]time.Time{"8": time.UnixMilli(stamp).Add(time.Hour)}
		for _, b := range []bans{{}, {until: other}, {until: banned(0)}} {
			c := newConversationWithBans(b)
			c.sends(t, signIn(`{"id":"7"}`))
			c.sends(t, joining())
			c.sends(t, subscribe("orders", "", ""))
			c.wasSent(t)
			c.recorded(t,
				`sign in 7 watching 0: {"id":"7"}`, "enter presence-a as 7  1795521601000",
				"on orders 1795521601000")
			if want := []string{"3 7", "3 7", "3 7"}; !slices.Equal(c.bans.asked, want) {
				t.Errorf("asked for %q, want %q", c.bans.asked, want)
			}
		}
	})
	t.Run("an app without bans reads none", func(t *testing.T) {
		c := newConversation()
		c.bans.until = banned(time.Hour)
		c.sends(t, signIn(`{"id":"7"}`))
		c.sends(t, joining())
		c.wasSent(t)
		if len(c.bans.asked) != 0 {
			t.Errorf("asked for %q", c.bans.asked)
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
