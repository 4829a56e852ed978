package dynamo

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"hark/shared/config"
	"hark/shared/pusher"
)

// Bounds of settings. Those that are not named are those of the numbers themselves.
const (
	anyNumber  = math.MaxInt32
	mostKB     = 100 // of an event's data and of a member: a post may have 128 KB
	leastFrame = 256 // smaller frames that ask for nothing are served without a look at their app (package socket)
	mostSecond = int64(time.Hour / time.Second)
)

// field is one setting in an app's item: its name, and where its value belongs. A dot leads into a map.
type field struct {
	name string
	value
}

// fields are all settings. An attribute that is absent stands for the default.
func fields(s *pusher.Settings) []field {
	return []field{
		{"enabled", boolean{&s.Disabled, true}},
		{"allowed_origins", hosts{&s.AllowedOrigins}},
		{"max_connections", count(&s.MaxConnections, 0)},
		{"activity_timeout", number[time.Duration]{&s.ActivityTimeout, time.Second, 0, int64(config.MaxActivity / time.Second)}},
		{"max_message_size", count(&s.MaxMessageSize, leastFrame)},
		{"accept_client_events_from", clientEvents{&s.ClientEvents}},
		{"rate_limiting.enabled", boolean{&s.RateLimit.Enabled, false}},
		{"rate_limiting.max_attempts", count(&s.RateLimit.Max, 1)},
		{"rate_limiting.decay_seconds", number[time.Duration]{&s.RateLimit.Window, time.Second, 1, mostSecond}},
		{"rate_limiting.terminate_on_limit", boolean{&s.RateLimit.Terminate, false}},
		{"enable_user_authentication", boolean{&s.UserAuthentication, false}},
		{"watchlist", boolean{&s.Watchlist, false}},
		{"subscription_count", boolean{&s.SubscriptionCount, false}},
		{"max_channel_name_length", number[int]{&s.MaxChannelName, 1, 1, pusher.MaxChannelName}},
		{"max_presence_members_per_channel", count(&s.MaxMembers, 1)},
		{"max_presence_member_size_in_kb", number[int]{&s.MaxMemberSize, 1 << 10, 1, mostKB}},
		{"max_client_events_per_second", count(&s.MaxClientEvents, -1)},
		{"max_event_name_length", count(&s.MaxEventName, 1)},
		{"max_event_payload_in_kb", number[int]{&s.MaxEventData, 1 << 10, 1, mostKB}},
		{"max_event_channels_at_once", count(&s.MaxEventChannels, 1)},
		{"max_event_batch_size", count(&s.MaxBatch, 1)},
		{"webhooks", webhooks{&s.Webhooks}},
		{"terminate_by_members", boolean{&s.TerminateByMembers, false}},
		{"bans", boolean{&s.Bans, false}},
	}
}

// readSettings reads an app's item. It never takes a default for what it cannot read.
func readSettings(it item) (pusher.Settings, error) {
	s := pusher.DefaultSettings()
	for _, f := range fields(&s) {
		v, err := lookUp(it, f.name)
		if err == nil && v != nil {
			err = f.read(v)
		}
		if err != nil {
			return pusher.Settings{}, fmt.Errorf("%s %w", f.name, err)
		}
	}
	return s, nil
}

func lookUp(it item, name string) (types.AttributeValue, error) {
	outer, inner, nested := strings.Cut(name, ".")
	v, ok := it[outer]
	if !ok || !nested {
		return v, nil
	}
	m, ok := v.(*types.AttributeValueMemberM)
	if !ok {
		return nil, fmt.Errorf("is in %s, which is %s, it must be M", outer, typeOf(v))
	}
	return m.Value[inner], nil
}

// writeSettings returns the attributes of what differs from the defaults.
func writeSettings(s pusher.Settings) item {
	it := make(item)
	standard := pusher.DefaultSettings()
	defaults := fields(&standard)
	for i, f := range fields(&s) {
		v := f.write()
		if reflect.DeepEqual(v, defaults[i].write()) {
			continue
		}
		outer, inner, nested := strings.Cut(f.name, ".")
		if !nested {
			it[outer] = v
			continue
		}
		if _, ok := it[outer]; !ok {
			it[outer] = &types.AttributeValueMemberM{Value: make(item)}
		}
		it[outer].(*types.AttributeValueMemberM).Value[inner] = v
	}
	return it
}
