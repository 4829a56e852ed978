package settings

import (
	"math"
	"time"

	"hark/shared/config"
	"hark/shared/pusher"
)

// Bounds that are not those of the Pusher protocol.
const (
	maxKB       = 100 // of an event's data and of a member: one post may have 128 KB
	minFrame    = 256 // bytes: package socket answers pings up to this size without reading the app
	maxActivity = int64(config.MaxActivity / time.Second)
	maxWindow   = int64(time.Hour / time.Second)
)

// entry is one setting: its name, where its value is kept and what it may be, and what it does, as
// Markdown for docs/settings.md. A name with a dot is an entry of a map.
type entry struct {
	name string
	value
	about string
}

// catalogue returns all settings in the order in which they are printed. Their values are in s.
func catalogue(s *pusher.Settings) []entry {
	return []entry{
		{
			"enabled", opposite(&s.Disabled, true),
			"`false` switches the app off: new connections get error 4003, HTTP requests 403. " +
				"Connections that are open stay open until they end.",
		},
		{
			"allowed_origins", hosts(&s.AllowedOrigins),
			"The hosts of the pages that may connect; others get error 4009. " +
				"`*` matches any text: `*.example.com` is every subdomain of example.com. " +
				"Without hosts, every page and every client that sends no `Origin` may connect.",
		},
		{
			"max_connections", number(&s.MaxConnections, 0, atLeast(0)),
			"How many connections may be open at once; one more gets error 4004. 0 is no limit. " +
				"Connections opened while there was no limit are not counted.",
		},
		{
			"activity_timeout", seconds(&s.ActivityTimeout, 0, between(0, maxActivity)),
			"The seconds of silence after which a client sends a ping. " +
				"0 takes the stack's `activityTimeout`, which is 120 by default.",
		},
		{
			"max_message_size", number(&s.MaxMessageSize, 10_000, atLeast(minFrame)),
			"The largest frame that a client may send, in bytes; a larger one gets error 4301.",
		},
		{
			"accept_client_events_from", choice(
				&s.ClientEvents, pusher.ClientEventsMembers,
				pusher.ClientEventsAll, pusher.ClientEventsMembers, pusher.ClientEventsNone,
			),
			"Whose client events (`whisper` in Echo) are relayed. " +
				"`members`: those of subscribers of the private or presence channel. " +
				"`all`: those of every client, on every channel. `none`: nobody's.",
		},
		{
			"rate_limiting.enabled", boolean(&s.RateLimit.Enabled, false),
			"Whether all frames of a connection are counted and limited. " +
				"Each frame then costs a write.",
		},
		{
			"rate_limiting.max_attempts", number(&s.RateLimit.Max, 60, atLeast(1)),
			"How many frames a connection may send within a window; one more gets error 4301.",
		},
		{
			"rate_limiting.decay_seconds", seconds(&s.RateLimit.Window, 60, between(1, maxWindow)),
			"The length of a window, in seconds.",
		},
		{
			"rate_limiting.terminate_on_limit", boolean(&s.RateLimit.Terminate, false),
			"Whether a connection that sends more frames is closed.",
		},
		{
			"enable_user_authentication", boolean(&s.UserAuthentication, true),
			"Whether clients may sign in.",
		},
		{
			"watchlist", boolean(&s.Watchlist, true),
			"Whether a user is sent `online` and `offline` events for the users on its watchlist.",
		},
		{
			"subscription_count", boolean(&s.SubscriptionCount, false),
			"Whether the subscribers of a channel are sent their number when it changes. " +
				"Not on presence channels, which have lists of members.",
		},
		{
			"max_channel_name_length",
			number(&s.MaxChannelName, pusher.MaxChannelName, between(1, pusher.MaxChannelName)),
			"The longest name of a channel, in bytes.",
		},
		{
			"max_presence_members_per_channel", number(&s.MaxMembers, 100, atLeast(1)),
			"How many users a presence channel may have; one more gets error 4100.",
		},
		{
			"max_presence_member_size_in_kb", kilobytes(&s.MaxMemberSize, 1, between(1, maxKB)),
			"The largest member of a presence channel, in units of 1024 bytes: " +
				"its `user_id` and `user_info` together.",
		},
		{
			"max_client_events_per_second", number(&s.MaxClientEvents, 10, atLeast(-1)),
			"How many client events a connection may send within a second; " +
				"one more gets error 4301. -1 is no limit.",
		},
		{
			"max_event_name_length", number(&s.MaxEventName, 200, atLeast(1)),
			"The longest name of an event, in characters.",
		},
		{
			"max_event_payload_in_kb", kilobytes(&s.MaxEventData, 10, between(1, maxKB)),
			"The largest data of an event, in units of 1024 bytes.",
		},
		{
			"max_event_channels_at_once", number(&s.MaxEventChannels, 100, atLeast(1)),
			"How many channels one event may be published to.",
		},
		{
			"max_event_batch_size", number(&s.MaxBatch, 10, atLeast(1)),
			"How many events one request to `batch_events` may have.",
		},
		{
			"webhooks", webhooks(&s.Webhooks),
			"Where the app is sent its webhook events. The form is described [below](#webhooks).",
		},
		{
			"terminate_by_members", boolean(&s.TerminateByMembers, true),
			"Whether `terminate_connections` also closes connections that have not signed in as " +
				"the user but are on a presence channel under the same ID, as Reverb does.",
		},
		{
			"bans", boolean(&s.Bans, false),
			"Whether `terminate_connections` may ban the user for some time. " +
				"Each sign-in and each subscription to a presence channel then costs more reads.",
		},
	}
}

// bounds are the lowest and the highest number that a setting may be, in the setting's unit.
type bounds struct{ low, high int64 }

func between(low, high int64) bounds { return bounds{low, high} }

func atLeast(low int64) bounds { return bounds{low, math.MaxInt32} }
