package testkit

import (
	"time"

	"hark/shared/pusher"
)

// UnusualSettings returns settings of which none is at its default.
func UnusualSettings() pusher.Settings {
	return pusher.Settings{
		Disabled:        true,
		AllowedOrigins:  []string{"*.example.com", "::1"},
		MaxConnections:  500,
		ActivityTimeout: 30 * time.Second,
		MaxMessageSize:  20_000,
		ClientEvents:    pusher.ClientEventsAll,
		RateLimit: pusher.RateLimit{
			Enabled: true, Max: 5, Window: 2 * time.Second, Terminate: true,
		},
		UserAuthentication: false,
		Watchlist:          false,
		SubscriptionCount:  true,
		MaxChannelName:     164,
		MaxMembers:         1000,
		MaxMemberSize:      2 << 10,
		MaxClientEvents:    -1,
		MaxEventName:       50,
		MaxEventData:       100 << 10,
		MaxEventChannels:   7,
		MaxBatch:           3,
		TerminateByMembers: false,
		Bans:               true,
		Webhooks: []pusher.Webhook{
			{URL: "https://example.com/hook?a=1&b=2"},
			{
				URL: "http://example.com/", Events: []string{"channel_occupied", "member_added"},
				Prefix: "private-", Suffix: "-a",
				Headers: map[string]string{"X-Token": "<t>", "X-Empty": ""},
			},
		},
	}
}
