package dynamo_test

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	awsdb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"hark/shared/dynamo"
	"hark/shared/pusher"
)

func TestApps(t *testing.T) {
	onEngines(t, func(t *testing.T, client *awsdb.Client) {
		clock := now
		apps := &dynamo.Apps{Client: client, Table: tableName(t, "apps"), Now: func() time.Time { return clock }}
		shop := pusher.App{ID: "shop", Key: "shop-key", Secret: "s3cret", Settings: pusher.DefaultSettings()}
		if _, err := apps.ByKey(t.Context(), shop.Key); !errors.Is(err, pusher.ErrNoApp) {
			t.Errorf("before it is added: %v", err)
		}
		if err := apps.Add(t.Context(), shop); err != nil {
			t.Fatal(err)
		}
		if _, err := apps.ByKey(t.Context(), shop.Key); !errors.Is(err, pusher.ErrNoApp) {
			t.Errorf("within 5 s of a miss: %v", err)
		}
		clock = clock.Add(5 * time.Second)
		if got, err := apps.ByKey(t.Context(), shop.Key); err != nil || !cmp.Equal(got, shop) {
			t.Errorf("by key: %+v, error %v", got, err)
		}
		if got, err := apps.ByID(t.Context(), shop.ID); err != nil || !cmp.Equal(got, shop) {
			t.Errorf("by ID: %+v, error %v", got, err)
		}
		for _, c := range []struct {
			app  pusher.App
			want string
		}{
			{pusher.App{ID: "shop", Key: "other-key", Settings: pusher.DefaultSettings()}, "ID shop"},
			{pusher.App{ID: "other", Key: "shop-key", Settings: pusher.DefaultSettings()}, "key shop-key"},
		} {
			if err := apps.Add(t.Context(), c.app); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("add %+v: %v, want a refusal of the %s", c.app, err, c.want)
			}
		}
		off := pusher.App{ID: "off", Key: "off-key", Secret: "x", Settings: pusher.DefaultSettings()}
		off.Disabled = true
		if err := apps.Add(t.Context(), off); err != nil {
			t.Fatal(err)
		}
		all, err := apps.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]pusher.App{}
		for _, a := range all {
			got[a.ID] = a
		}
		if diff := cmp.Diff(map[string]pusher.App{"shop": shop, "off": off}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAppsRefuseStrangeNamesUnread(t *testing.T) {
	apps := &dynamo.Apps{} // no client: a read would panic
	for _, name := range []string{"", "a#b", "ä", strings.Repeat("x", 65)} {
		if _, err := apps.ByKey(t.Context(), name); !errors.Is(err, pusher.ErrNoApp) {
			t.Errorf("key %q: %v", name, err)
		}
		if _, err := apps.ByID(t.Context(), name); !errors.Is(err, pusher.ErrNoApp) {
			t.Errorf("ID %q: %v", name, err)
		}
	}
}

// TestSeed reads the app that the local cloud starts with as the functions read it.
func TestSeed(t *testing.T) {
	text, err := os.ReadFile("../../localstack/seed.json")
	if err != nil {
		t.Fatal(err)
	}
	var items []json.RawMessage
	if err := json.Unmarshal(text, &items); err != nil {
		t.Fatal(err)
	}
	db := engine(t)
	for _, it := range items {
		if err := db.Put("apps", it); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(db)
	t.Cleanup(server.Close)
	apps := &dynamo.Apps{Client: client(server.URL), Table: "apps"}
	want := pusher.App{ID: "local", Key: "local-key", Secret: "local-secret", Settings: pusher.DefaultSettings()}
	if got, err := apps.ByKey(t.Context(), "local-key"); err != nil || !cmp.Equal(got, want) {
		t.Errorf("the seeded app is %+v, error %v", got, err)
	}
}
