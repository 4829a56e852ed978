package dynamo_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	awsdb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sync/errgroup"

	"hark/shared/dynamo"
	"hark/shared/pusher"
)

// set is short for changes.
func set(args ...string) []dynamo.Setting {
	var all []dynamo.Setting
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		all = append(all, dynamo.Setting{Name: name, Value: value})
	}
	return all
}

func TestChange(t *testing.T) {
	onEngines(t, func(t *testing.T, client *awsdb.Client) {
		putApp(t, client, appItem("", nil))
		want := pusher.App{ID: "shop", Key: "shop-key", Secret: "s3cret", Settings: pusher.DefaultSettings()}
		for _, step := range []struct {
			changes []dynamo.Setting
			then    func(*pusher.Settings)
		}{
			{nil, func(*pusher.Settings) {}},
			{set("enabled=false", "allowed_origins=a.com,*.b.com"), func(s *pusher.Settings) { s.Disabled, s.AllowedOrigins = true, []string{"a.com", "*.b.com"} }},
			{set("rate_limiting.enabled=true", "rate_limiting.decay_seconds=1"), func(s *pusher.Settings) { s.RateLimit.Enabled, s.RateLimit.Window = true, time.Second }},
			{set("rate_limiting.max_attempts=9", "enabled="), func(s *pusher.Settings) { s.RateLimit.Max, s.Disabled = 9, false }},
			{set("rate_limiting.decay_seconds=", "max_connections=6"), func(s *pusher.Settings) { s.RateLimit.Window, s.MaxConnections = time.Minute, 6 }},
			{set("allowed_origins=", "max_event_payload_in_kb=10"), func(s *pusher.Settings) { s.AllowedOrigins = nil }},
			{set("rate_limiting.enabled=false", "rate_limiting.max_attempts="), func(s *pusher.Settings) { s.RateLimit = pusher.DefaultSettings().RateLimit }},
			{set("max_connections="), func(s *pusher.Settings) { s.MaxConnections = 0 }},
		} {
			do(t, appsOf(t, client).Change(t.Context(), "shop", step.changes))
			step.then(&want.Settings)
			got, err := appsOf(t, client).ByID(t.Context(), "shop")
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
				t.Errorf("after %v, error %v:\n%s", step.changes, err, diff)
			}
		}
		table := tableName(t, "apps")
		out, err := client.Scan(t.Context(), &awsdb.ScanInput{TableName: &table})
		do(t, err)
		if diff := cmp.Diff(attributes(t, appItem("", nil)), attributes(t, out.Items[0])); diff != "" {
			t.Errorf("with every setting at its default the item is not as it was:\n%s", diff)
		}
	})
}

// Two operators at once: what each sets stays, also inside one map.
func TestChangesMeet(t *testing.T) {
	onEngines(t, func(t *testing.T, client *awsdb.Client) {
		putApp(t, client, appItem("", nil))
		want := pusher.DefaultSettings().RateLimit
		for n := 1; n <= 10; n++ {
			var g errgroup.Group
			for _, s := range []string{"max_attempts", "decay_seconds"} {
				g.Go(func() error {
					return appsOf(t, client).Change(t.Context(), "shop", set(fmt.Sprintf("rate_limiting.%s=%d", s, n)))
				})
			}
			do(t, g.Wait())
			want.Max, want.Window = n, time.Duration(n)*time.Second
			if got, err := appsOf(t, client).ByID(t.Context(), "shop"); err != nil || got.RateLimit != want {
				t.Fatalf("after change %d: %+v, error %v, want %+v", n, got.RateLimit, err, want)
			}
		}
	})
}

func TestChangesThatAreRefused(t *testing.T) {
	client := local(t)
	putApp(t, client, appItem("", nil))
	for _, c := range []struct {
		name    string
		changes []dynamo.Setting
		want    string
	}{
		{"an unknown name", set("max_conections=5"), `there is no setting "max_conections"`},
		{"an unknown name, taken back", set("max_conections="), `there is no setting "max_conections"`},
		{"the credentials", set("secret=x"), `there is no setting "secret"`},
		{"a whole map", set("rate_limiting=true"), `there is no setting "rate_limiting"`},
		{"something like a switch", set("enabled=yes"), `enabled is "yes", it must be true or false`},
		{"something like a number", set("max_connections=many"), `max_connections is "many"`},
		{"an origin for a host", set("allowed_origins=a.com, b.com"), `allowed_origins has " b.com"`},
		{"one of two values", set("max_connections=5", "max_connections="), "max_connections is given twice"},
		{"one good and one bad", set("max_connections=5", "accept_client_events_from=me"), "all, members or none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := appsOf(t, client).Change(t.Context(), "shop", c.changes)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q in it", err, c.want)
			}
			got, err := appsOf(t, client).ByID(t.Context(), "shop")
			if diff := cmp.Diff(pusher.DefaultSettings(), got.Settings); err != nil || diff != "" {
				t.Errorf("something was changed, error %v:\n%s", err, diff)
			}
		})
	}
	if err := appsOf(t, client).Change(t.Context(), "other", set("max_connections=5")); !errors.Is(err, pusher.ErrNoApp) {
		t.Errorf("an app that is not there: %v", err)
	}
	if _, err := appsOf(t, client).ByID(t.Context(), "other"); !errors.Is(err, pusher.ErrNoApp) {
		t.Errorf("it came to be: %v", err)
	}
}

// An operator can mend what keeps an app from being read.
func TestChangeMends(t *testing.T) {
	client := local(t)
	for _, c := range []struct {
		name    string
		broken  map[string]string
		changes []dynamo.Setting
		want    int
	}{
		{"a wrong type", map[string]string{"max_connections": "5"}, set("max_connections=5"), 5},
		{"a wrong type, taken back", map[string]string{"max_connections": "5"}, set("max_connections="), 0},
		{"a map that is none", map[string]string{"rate_limiting": "5"}, set("rate_limiting.enabled=", "max_connections=3"), 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			for name, text := range c.broken {
				putApp(t, client, appItem(name, s(text)))
			}
			do(t, appsOf(t, client).Change(t.Context(), "shop", c.changes))
			if got, err := appsOf(t, client).ByID(t.Context(), "shop"); err != nil || got.MaxConnections != c.want {
				t.Errorf("%d, error %v, want %d", got.MaxConnections, err, c.want)
			}
		})
	}
	putApp(t, client, appItem("max_connections", s("5")))
	if err := appsOf(t, client).Change(t.Context(), "shop", set("watchlist=false")); err == nil || !strings.Contains(err.Error(), "app shop: max_connections is S") {
		t.Errorf("another setting is broken: %v", err)
	}
}

// TestSettingsAreShownAsTheyAreSet sets what is shown of one app on another.
func TestSettingsAreShownAsTheyAreSet(t *testing.T) {
	client := local(t)
	putApp(t, client, appItem("", nil))
	do(t, appsOf(t, client).Change(t.Context(), "shop", dynamo.Settings(unusual())))
	got, err := appsOf(t, client).ByID(t.Context(), "shop")
	if diff := cmp.Diff(unusual(), got.Settings); err != nil || diff != "" {
		t.Errorf("error %v:\n%s", err, diff)
	}
}
