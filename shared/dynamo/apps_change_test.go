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

	"hark/shared/internal/testkit"
	"hark/shared/pusher"
	"hark/shared/settings"
)

// set returns the changes that are written as name=value.
func set(args ...string) []settings.Setting {
	var all []settings.Setting
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		all = append(all, settings.Setting{Name: name, Value: value})
	}
	return all
}

func TestChange(t *testing.T) {
	testEngines(t, func(t *testing.T, client *awsdb.Client) {
		putApp(t, client, appItem("", nil))
		want := pusher.App{
			ID: "shop", Key: "shop-key", Secret: "s3cret", Settings: settings.Default(),
		}
		for _, step := range []struct {
			changes []settings.Setting
			then    func(*pusher.Settings)
		}{
			{nil, func(*pusher.Settings) {}},
			{set("enabled=false", "allowed_origins=a.com,*.b.com"), func(s *pusher.Settings) {
				s.Disabled, s.AllowedOrigins = true, []string{"a.com", "*.b.com"}
			}},
			{
				set("rate_limiting.enabled=true", "rate_limiting.decay_seconds=1"),
				func(s *pusher.Settings) {
					s.RateLimit.Enabled, s.RateLimit.Window = true, time.Second
				},
			},
			{set("rate_limiting.max_attempts=9", "enabled="), func(s *pusher.Settings) {
				s.RateLimit.Max, s.Disabled = 9, false
			}},
			{set("rate_limiting.decay_seconds=", "max_connections=6"), func(s *pusher.Settings) {
				s.RateLimit.Window, s.MaxConnections = time.Minute, 6
			}},
			{set("allowed_origins=", "max_event_payload_in_kb=10"), func(s *pusher.Settings) {
				s.AllowedOrigins = nil
			}},
			{
				set("rate_limiting.enabled=false", "rate_limiting.max_attempts="),
				func(s *pusher.Settings) { s.RateLimit = settings.Default().RateLimit },
			},
			{set("max_connections="), func(s *pusher.Settings) { s.MaxConnections = 0 }},
		} {
			must(t, appsOf(t, client).Change(t.Context(), "shop", step.changes))
			step.then(&want.Settings)
			got, err := appsOf(t, client).ByID(t.Context(), "shop")
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
				t.Errorf("after %v, error %v:\n%s", step.changes, err, diff)
			}
		}
		table := tableName(t, "apps")
		out, err := client.Scan(t.Context(), &awsdb.ScanInput{TableName: &table})
		must(t, err)
		diff := cmp.Diff(attributes(t, appItem("", nil)), attributes(t, out.Items[0]))
		if diff != "" {
			t.Errorf("with all settings back at their defaults the item differs:\n%s", diff)
		}
	})
}

// If two operators change settings at the same time, even in one map, both changes are kept.
func TestChangesAtTheSameTime(t *testing.T) {
	testEngines(t, func(t *testing.T, client *awsdb.Client) {
		putApp(t, client, appItem("", nil))
		want := settings.Default().RateLimit
		for n := 1; n <= 10; n++ {
			var g errgroup.Group
			for _, s := range []string{"max_attempts", "decay_seconds"} {
				change := set(fmt.Sprintf("rate_limiting.%s=%d", s, n))
				g.Go(func() error { return appsOf(t, client).Change(t.Context(), "shop", change) })
			}
			must(t, g.Wait())
			want.Max, want.Window = n, time.Duration(n)*time.Second
			got, err := appsOf(t, client).ByID(t.Context(), "shop")
			if err != nil || got.RateLimit != want {
				t.Fatalf("after change %d: %+v, error %v, want %+v", n, got.RateLimit, err, want)
			}
		}
	})
}

func TestChangeRefuses(t *testing.T) {
	client := local(t)
	putApp(t, client, appItem("", nil))
	for _, c := range []struct {
		name    string
		changes []settings.Setting
		want    string
	}{
		{"an unknown setting", set("secret=x"), `there is no setting "secret"`},
		{"two values", set("watchlist=false", "watchlist="), "watchlist is given twice"},
		{
			"one good value and one bad", set("max_connections=5", "enabled=yes"),
			`enabled is "yes", it must be true or false`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := appsOf(t, client).Change(t.Context(), "shop", c.changes)
			if err == nil || err.Error() != c.want {
				t.Errorf("error %v, want %q", err, c.want)
			}
			got, err := appsOf(t, client).ByID(t.Context(), "shop")
			if diff := cmp.Diff(settings.Default(), got.Settings); err != nil || diff != "" {
				t.Errorf("something was changed, error %v:\n%s", err, diff)
			}
		})
	}
}

func TestChangeOfAnUnknownApp(t *testing.T) {
	apps := appsOf(t, local(t))
	err := apps.Change(t.Context(), "other", set("max_connections=5"))
	if !errors.Is(err, pusher.ErrNoApp) {
		t.Errorf("error %v", err)
	}
	if _, err := apps.ByID(t.Context(), "other"); !errors.Is(err, pusher.ErrNoApp) {
		t.Errorf("the app was added: %v", err)
	}
}

// An operator can repair an app that cannot be read by changing the invalid setting.
func TestChangeRepairsAnInvalidSetting(t *testing.T) {
	client := local(t)
	for _, c := range []struct {
		name    string
		broken  string // the attribute that is a text
		changes []settings.Setting
		want    int
	}{
		{"a wrong type", "max_connections", set("max_connections=5"), 5},
		{"a wrong type, back to the default", "max_connections", set("max_connections="), 0},
		{
			"a text for a map", "rate_limiting",
			set("rate_limiting.enabled=", "max_connections=3"), 3,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			putApp(t, client, appItem(c.broken, s("5")))
			must(t, appsOf(t, client).Change(t.Context(), "shop", c.changes))
			got, err := appsOf(t, client).ByID(t.Context(), "shop")
			if err != nil || got.MaxConnections != c.want {
				t.Errorf("%d, error %v, want %d", got.MaxConnections, err, c.want)
			}
		})
	}
	putApp(t, client, appItem("max_connections", s("5")))
	err := appsOf(t, client).Change(t.Context(), "shop", set("watchlist=false"))
	if err == nil || !strings.Contains(err.Error(), "app shop: max_connections is a text") {
		t.Errorf("another setting is broken: %v", err)
	}
}

// TestChangeEverySetting sets on one app the settings that scripts/app prints of another.
func TestChangeEverySetting(t *testing.T) {
	client := local(t)
	putApp(t, client, appItem("", nil))
	must(t, appsOf(t, client).Change(t.Context(), "shop", settings.List(testkit.UnusualSettings())))
	got, err := appsOf(t, client).ByID(t.Context(), "shop")
	if diff := cmp.Diff(testkit.UnusualSettings(), got.Settings); err != nil || diff != "" {
		t.Errorf("error %v:\n%s", err, diff)
	}
}
