package socket_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"hark/shared/pusher"
)

// signIn returns the frame with which pusher-js signs in, with the right signature.
func signIn(
	userData string,
) string {
	return signInWith(sign(socketID+"::user::"+userData), userData)
}

func signInWith(auth, userData string) string {
	return frame("pusher:signin", "", map[string]string{"auth": auth, "user_data": userData})
}

// watchlist returns the user_data of a user who watches n others.
func watchlist(n int) string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf(`"user-%d"`, i)
	}
	return `{"id":"7","watchlist":[` + strings.Join(ids, ",") + `]}`
}

// 83: package membership sends the success, with the user data as it came.
func TestSignIn(t *testing.T) {
	const data = ` {"user_info" : {"name":"<Ann>"},"id":"7","watchlist":["8","9"]}`
	for name, frame := range map[string]string{
		"as pusher-js does": signIn(data),
		"with a string that holds it all": frame("pusher:signin", "",
			`{"auth":`+quote(sign(socketID+"::user::"+data))+`,"user_data":`+quote(data)+`}`),
	} {
		t.Run(name, func(t *testing.T) {
			c := newConversation()
			c.sends(t, frame)
			c.wasSent(t)
			c.recorded(t, "sign in 7 watching 2: "+data)
		})
	}
}

// The numbers are those of docs/protocol.md §9. The connection stays open.
func TestSignInIsRefused(t *testing.T) {
	for _, c := range []struct {
		name, frame string
		says        string
	}{
		{"84 without auth", signInWith("", `{"id":"7"}`), "key:signature"},
		{
			"84 with a wrong signature",
			signInWith(app().Key+":"+strings.Repeat("0", 64), `{"id":"7"}`), "Invalid signature",
		},
		{
			"84 with another app's key",
			signInWith("other:"+app().Sign(socketID+`::user::{"id":"7"}`), `{"id":"7"}`),
			"Invalid key",
		},
		{
			"84 with a signature for another socket ID",
			signInWith(sign(`1.2::user::{"id":"7"}`), `{"id":"7"}`), "Invalid signature",
		},
		{
			"84 with a signature for another user",
			signInWith(sign(socketID+`::user::{"id":"8"}`), `{"id":"7"}`), "Invalid signature",
		},
		{
			"84 with a signature for a channel",
			signInWith(sign(socketID+`:{"id":"7"}`), `{"id":"7"}`), "Invalid signature",
		},
		{"86 without user data", signIn(""), "JSON object"},
		{"86 user data that is no object", signIn(`"7"`), "JSON object"},
		{"86 no id", signIn(`{"user_info":{}}`), "no id"},
		{"86 an empty id", signIn(`{"id":""}`), "no id"},
		{"86 an id that is a number", signIn(`{"id":7}`), "text for an id"},
		{"86 an id that no channel could have", signIn(`{"id":"a#b"}`), "a#b"},
		{"86 an id that is too long", signIn(`{"id":"` + strings.Repeat("7", 129) + `"}`), "129"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newConversation()
			v.sends(t, c.frame)
			v.refused(t, 4009, c.says)
			if len(v.got[0]) > 1000 {
				t.Errorf("an answer of %d bytes", len(v.got[0]))
			}
		})
	}
	t.Run("by an app whose clients do not sign in", func(t *testing.T) {
		v := newConversation(func(s *pusher.Settings) { s.UserAuthentication = false })
		v.sends(t, signIn(`{"id":"7"}`))
		v.refused(t, 4009, "user authentication")
	})
	t.Run("85 as a second user", func(t *testing.T) {
		v := newConversation()
		v.members.err = errors.Join(
			pusher.Errorf(pusher.CodeUnauthorized,
				"Cannot sign in as 8: the connection is signed in as 7"),
		)
		v.sends(t, signIn(`{"id":"8"}`))
		v.refused(t, 4009, "signed in as 7")
	})
}

// 91.
func TestSignInCutsAWatchlist(t *testing.T) {
	t.Run("of 101 users, with an error beside the success", func(t *testing.T) {
		c := newConversation()
		c.sends(t, signIn(watchlist(101)))
		c.recorded(t, "sign in 7 watching 100: "+watchlist(101))
		if len(c.got) != 1 {
			t.Fatalf("got %q", c.got)
		}
		errorFrame(t, c.got[0], 4302)
	})
	t.Run("but not one of 100", func(t *testing.T) {
		c := newConversation()
		c.sends(t, signIn(watchlist(100)))
		c.recorded(t, "sign in 7 watching 100: "+watchlist(100))
		c.wasSent(t)
	})
	t.Run("and is not refused if the app has no watchlists", func(t *testing.T) {
		c := newConversation(func(s *pusher.Settings) { s.Watchlist = false })
		c.sends(t, signIn(watchlist(101)))
		c.wasSent(t)
	})
}
