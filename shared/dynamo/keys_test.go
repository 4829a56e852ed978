package dynamo_test

import (
	"testing"

	"hark/shared/dynamo"
	"hark/shared/pusher"
)

// FuzzKeys looks for two apps, channels or users that share a row, and for two kinds of rows with
// the same key. Only the row of a sign-in may be two kinds: it is the subscription to the user's
// channel.
func FuzzKeys(f *testing.F) {
	f.Add("shop", "news", "ann", "shop2", "news", "ann")
	f.Add("a", "b#c", "u#1", "a", "b", "c#u#1")
	f.Add("a", "#server-to-user-ann", "ann", "a", "#server-to-user-", "an")
	f.Add("a", "0#chan#x", "conn#y", "a", "x", "told")
	f.Fuzz(func(t *testing.T, app1, ch1, user1, app2, ch2, user2 string) {
		for _, app := range []string{app1, app2} {
			if !pusher.ValidName(app) {
				t.Skip()
			}
		}
		if user1 == "" || user2 == "" { // a user has a name
			t.Skip()
		}
		one := dynamo.Keys(app1, pusher.Channel(ch1), user1, id)
		two := dynamo.Keys(app2, pusher.Channel(ch2), user2, id)
		// same reports whether row a of the first may be row b of the second.
		same := func(a, b string) bool {
			switch {
			case app1 != app2:
				return false
			case a == "open":
				return b == "open"
			case a == "subscription" && b == "user":
				return pusher.Channel(ch1).User() == user2
			case a == "user" && b == "subscription":
				return pusher.Channel(ch2).User() == user1
			case a != b:
				return false
			case a == "user" || a == "status" || a == "watcher":
				return user1 == user2
			case a == "announced member":
				return ch1 == ch2 && user1 == user2
			default:
				return ch1 == ch2
			}
		}
		for a, k1 := range one {
			for b, k2 := range two {
				if (k1 == k2) != same(a, b) {
					t.Errorf("the %s of %q %q %q is %q, the %s of %q %q %q is %q",
						a, app1, ch1, user1, k1, b, app2, ch2, user2, k2)
				}
			}
		}
	})
}
