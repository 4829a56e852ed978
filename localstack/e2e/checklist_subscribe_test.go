package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"hark/localstack/e2e/wire"
)

// Lines 29 to 44 of the checklist (docs/protocol.md §9): who may subscribe to what.

// 29. Public subscribe MUST succeed with `auth` empty, absent or garbage.
func TestLine29_PublicWithAnyAuth(t *testing.T) {
	for _, auth := range []string{"", "garbage", hark.App.Key + ":00"} {
		t.Run(fmt.Sprintf("auth %q", auth), func(t *testing.T) {
			c, ch := connect(t), unique("room-")
			c.subscribe(ch, auth)
			c.succeeds(ch)
			c.receives(ch)
		})
	}
	t.Run("no auth", func(t *testing.T) {
		c, ch := connect(t), unique("room-")
		c.send(`{"event":"pusher:subscribe","data":{"channel":"` + ch + `"}}`)
		c.succeeds(ch)
		c.receives(ch)
	})
}

// 30. Success frame for non-presence MUST be `subscription_succeeded` with `data` `"{}"` and
// `channel`.
//
// Without the data the Swift client never reports success.
func TestLine30_SuccessFrame(t *testing.T) {
	for _, prefix := range []string{"room-", "private-room-", "private-encrypted-room-"} {
		t.Run(prefix, func(t *testing.T) {
			c, ch := connect(t), unique(prefix)
			c.subscribe(ch, c.auth(ch))
			want := `{"event":"pusher_internal:subscription_succeeded","channel":"` + ch +
				`","data":"{}"}`
			if f := c.next(wire.SubscriptionSucceeded, ch); string(f.Raw) != want {
				t.Errorf("got %s, want %s", f.Raw, want)
			}
		})
	}
}

// private returns the prefixes of channels that need a signature. On presence channels the
// signature covers the channel_data.
func private() []string {
	return []string{"private-x-", "private-encrypted-x-", "private-cache-x-", "presence-x-"}
}

// refuses subscribes to a channel of each kind with that auth. Each subscribe must be refused.
func refuses(t *testing.T, auth func(socketID, channel, data string) string) {
	t.Helper()
	for _, prefix := range private() {
		t.Run(prefix, func(t *testing.T) {
			c, ch := connect(t), unique(prefix)
			d := map[string]string{"channel": ch}
			if strings.HasPrefix(prefix, "presence-") {
				d["channel_data"] = channelData("7", "")
			}
			if a := auth(c.SocketID, ch, d["channel_data"]); a != "" {
				d["auth"] = a
			}
			c.sendEvent("pusher:subscribe", d)
			if r := c.refused(ch); r.Type != "AuthError" || r.Status != 401 {
				t.Errorf("got %+v", r)
			}
		})
	}
}

// 31. Private subscribe without `auth` MUST fail.
func TestLine31_NoAuth(t *testing.T) {
	refuses(t, func(string, string, string) string { return "" })
}

// 32. Private subscribe with a wrong signature MUST fail.
func TestLine32_WrongSignature(t *testing.T) {
	for name, auth := range map[string]func(id, ch, data string) string{
		"zeros": func(string, string, string) string {
			return hark.App.Key + ":" + strings.Repeat("0", 64)
		},
		"no hex":            func(string, string, string) string { return hark.App.Key + ":zz" },
		"nothing":           func(string, string, string) string { return hark.App.Key + ":" },
		"no colon":          func(string, string, string) string { return "auth" },
		"by another secret": wire.App{Key: hark.App.Key, Secret: "other"}.Auth,
		"with one byte more": func(id, ch, data string) string {
			return hark.App.Auth(id, ch, data) + "0"
		},
		"in upper case": func(id, ch, data string) string {
			key, signature, _ := strings.Cut(hark.App.Auth(id, ch, data), ":")
			return key + ":" + strings.ToUpper(signature)
		},
	} {
		t.Run(name, func(t *testing.T) { refuses(t, auth) })
	}
}

// 33. Private subscribe with the right signature but another app's key MUST fail.
func TestLine33_AnotherKey(t *testing.T) {
	t.Run("an unknown key", func(t *testing.T) {
		refuses(t, wire.App{Key: "other-key", Secret: hark.App.Secret}.Auth)
	})
	t.Run("no key", func(t *testing.T) {
		refuses(t, func(id, ch, data string) string {
			_, signature, _ := strings.Cut(hark.App.Auth(id, ch, data), ":")
			return signature
		})
	})
	t.Run("the key and the secret of another app",
		func(t *testing.T) { refuses(t, newApp(t, nil).Auth) })
}

// 34. A signature made for another socket_id MUST fail.
func TestLine34_AnotherSocket(t *testing.T) {
	other := connect(t).SocketID
	refuses(t, func(_, ch, data string) string { return hark.App.Auth(other, ch, data) })
}

// 35. A signature made for another channel MUST fail.
func TestLine35_AnotherChannel(t *testing.T) {
	refuses(t, func(id, ch, data string) string { return hark.App.Auth(id, ch+"x", data) })
}

// 36. Private subscribe with signed `channel_data` MUST verify over the three-part string.
func TestLine36_ChannelData(t *testing.T) {
	const data = `{"user_id":"7"}`
	subscribe := func(c client, ch, data, auth string) {
		c.sendEvent("pusher:subscribe",
			map[string]string{"channel": ch, "channel_data": data, "auth": auth})
	}
	t.Run("that was signed succeeds", func(t *testing.T) {
		c, ch := connect(t), unique("private-orders.")
		subscribe(c, ch, data, c.app.Auth(c.SocketID, ch, data))
		c.succeeds(ch)
		c.receives(ch)
	})
	t.Run("that was not signed fails", func(t *testing.T) {
		c, ch := connect(t), unique("private-orders.")
		subscribe(c, ch, data, c.auth(ch))
		c.refused(ch)
	})
	t.Run("that was written anew after it was signed fails", func(t *testing.T) {
		c, ch := connect(t), unique("private-orders.")
		subscribe(c, ch, `{"user_id": "7"}`, c.app.Auth(c.SocketID, ch, data))
		c.refused(ch)
	})
}

// 37. Failure MUST send `pusher:error` and SHOULD send `pusher:subscription_error`
// `{type,error,status}` on the channel.
func TestLine37_FailureFrames(t *testing.T) {
	c, ch := connect(t), unique("private-orders.")
	c.subscribe(ch, "")
	r := c.refused(ch)
	if r.Type != "AuthError" || r.Status != 401 || !strings.Contains(r.Error, ch) {
		t.Errorf("got %+v, want an AuthError that names the channel", r)
	}
	c.quiet()
}

// 38. Failure MUST NOT close the socket and MUST NOT subscribe.
func TestLine38_AfterAFailure(t *testing.T) {
	c, ch := connect(t), unique("private-orders.")
	c.subscribe(ch, c.app.Key+":00")
	c.refused(ch)
	c.pings()
	c.receivesNothing(ch)
	c.join(ch) // with the right signature
	c.receives(ch)
	t.Run("on a presence channel", func(t *testing.T) {
		c, room := connect(t), unique("presence-room-")
		c.subscribe(room, "")
		c.refused(room)
		c.receivesNothing(room)
		member(t, room, "1", "") // whose success shows it as the only member
		c.quiet()
	})
}

// 39. A name with a character outside the allowed set MUST fail.
func TestLine39_Characters(t *testing.T) {
	for _, ch := range []string{
		"a b", "a/b", "a#b", "a:b", "ä", "a\\b", "a\"b", "a\n", "a\x00", "private-a b",
		"presence-a/b", "",
	} {
		t.Run(fmt.Sprintf("%q", ch), func(t *testing.T) {
			c := connect(t)
			c.subscribe(ch, c.auth(ch))
			c.refused(ch)
			c.pings()
		})
	}
	t.Run("no name at all", func(t *testing.T) {
		c := connect(t)
		c.send(`{"event":"pusher:subscribe","data":{}}`)
		c.refused("")
	})
	t.Run("every allowed character succeeds", func(t *testing.T) {
		c, ch := connect(t), unique("aZ09_-=@,.;")
		c.join(ch)
		c.receives(ch)
	})
}

// 40. A name longer than the limit MUST fail.
func TestLine40_LongNames(t *testing.T) {
	long := func(prefix string, n int) string {
		ch := unique(prefix)
		return ch + strings.Repeat("x", n-len(ch))
	}
	for _, prefix := range []string{"long-", "private-long-"} {
		t.Run("200 characters succeed: "+prefix, func(t *testing.T) {
			ch := long(prefix, 200)
			subscriber(t, ch).receives(ch)
		})
		t.Run("201 fail: "+prefix, func(t *testing.T) {
			c, ch := connect(t), long(prefix, 201)
			c.subscribe(ch, c.auth(ch))
			if r := c.refused(ch); r.Type != "LimitReached" || !strings.Contains(r.Error, "200") {
				t.Errorf("got %+v, want LimitReached and the limit", r)
			}
			c.pings()
		})
	}
	t.Run("an app may set Pusher's limit", func(t *testing.T) {
		c := connectTo(t, newApp(t, item{"max_channel_name_length": 164}))
		c.join(long("long-", 164))
		ch := long("long-", 165)
		c.subscribe(ch, "")
		c.refused(ch)
	})
}

// 41. `privatex` and `presencex` (no dash) MUST be public.
func TestLine41_PrefixesHaveADash(t *testing.T) {
	for _, prefix := range []string{
		"privatex", "presencex", "privateer-", "private_", "presence.",
	} {
		t.Run(prefix, func(t *testing.T) {
			c, ch := connect(t), unique(prefix)
			c.subscribe(ch, "")
			c.succeeds(ch)
			c.receives(ch)
			c.quiet()
		})
	}
}

// 42. `my-private-x` MUST be public; `my-cache-x` MUST not be cached.
func TestLine42_PrefixesBegin(t *testing.T) {
	for _, prefix := range []string{
		"my-private-", "my-presence-", "my-cache-", "cachex", "private-my-cache-",
	} {
		t.Run(prefix, func(t *testing.T) {
			ch := unique(prefix)
			first := subscriber(t, ch) // join would fail at a cache_miss
			first.receives(ch)
			late := subscriber(t, ch)
			late.quiet()
		})
	}
}

// 43. `private-encrypted-cache-x` MUST behave as private and cached.
func TestLine43_EncryptedCache(t *testing.T) {
	ch := unique("private-encrypted-cache-")
	c := connect(t)
	c.subscribe(ch, "")
	c.refused(ch)
	c.subscribe(ch, c.auth(ch))
	c.succeeds(ch)
	c.next(wire.CacheMiss, ch)
	// Hark passes encrypted data through (docs/protocol.md §3.13)
	const secret = `{"nonce":"bm9uY2U=","ciphertext":"Y2lwaGVydGV4dA=="}`
	publish(t, wire.Event{Name: "secret", Channel: ch, Data: secret})
	c.next("secret", ch)
	late := connect(t)
	late.subscribe(ch, late.auth(ch))
	late.succeeds(ch)
	if f := late.next("secret", ch); f.Data != secret {
		t.Errorf("got %s", f.Raw)
	}
}

// 44. `#anything` MUST be refused except 3.11's user channel for the signed-in user.
func TestLine44_UserChannels(t *testing.T) {
	me := unique("user-")
	c := user(t, me)
	for _, ch := range []string{
		"#server-to-user-" + me + "x", "#server-to-user-", "#room", "#", "#private-room",
		"#server-to-users-" + me,
	} {
		t.Run(ch, func(t *testing.T) {
			for _, c := range []client{connect(t), user(t, me)} {
				c.subscribe(ch, c.auth(ch))
				c.refused(ch)
			}
		})
	}
	c.subscribe("#server-to-user-"+me, "")
	c.succeeds("#server-to-user-" + me)
}
