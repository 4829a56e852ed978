package dynamo_test

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	awsdb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"hark/shared/dynamo"
	"hark/shared/pusher"
	"hark/shared/settings"
)

// shop returns an app with the default settings.
func shop() pusher.App {
	return pusher.App{ID: "shop", Key: "shop-key", Secret: "s3cret", Settings: settings.Default()}
}

func TestApps(t *testing.T) {
	testEngines(t, func(t *testing.T, client *awsdb.Client) {
		clock := now
		apps := appsOf(t, client)
		apps.Now = func() time.Time { return clock }
		_, err := apps.ByKey(t.Context(), "shop-key")
		if !errors.Is(err, pusher.ErrNoApp) {
			t.Errorf("before it is added: %v", err)
		}
		must(t, apps.Add(t.Context(), shop()))
		_, err = apps.ByKey(t.Context(), "shop-key")
		if !errors.Is(err, pusher.ErrNoApp) {
			t.Errorf("within 5 s of a miss: %v", err)
		}
		clock = clock.Add(5 * time.Second)
		got, err := apps.ByKey(t.Context(), "shop-key")
		if err != nil || !cmp.Equal(got, shop()) {
			t.Errorf("by key: %+v, error %v", got, err)
		}
		got, err = apps.ByID(t.Context(), "shop")
		if err != nil || !cmp.Equal(got, shop()) {
			t.Errorf("by ID: %+v, error %v", got, err)
		}
	})
}

func TestAddRefusesTakenNames(t *testing.T) {
	testEngines(t, func(t *testing.T, client *awsdb.Client) {
		apps := appsOf(t, client)
		must(t, apps.Add(t.Context(), shop()))
		for _, c := range []struct{ id, key, want string }{
			{"shop", "other-key", "an app with the ID shop exists already"},
			{"other", "shop-key", "an app with the key shop-key exists already"},
		} {
			app := pusher.App{ID: c.id, Key: c.key, Settings: settings.Default()}
			err := apps.Add(t.Context(), app)
			if err == nil || err.Error() != c.want {
				t.Errorf("ID %s, key %s: error %v, want %q", c.id, c.key, err, c.want)
			}
		}
	})
}

func TestListApps(t *testing.T) {
	testEngines(t, func(t *testing.T, client *awsdb.Client) {
		apps := appsOf(t, client)
		off := pusher.App{ID: "off", Key: "off-key", Secret: "x", Settings: settings.Default()}
		off.Disabled = true
		must(t, apps.Add(t.Context(), shop()))
		must(t, apps.Add(t.Context(), off))
		list, err := apps.List(t.Context())
		must(t, err)
		got := map[string]pusher.App{}
		for _, a := range list {
			got[a.ID] = a
		}
		if diff := cmp.Diff(map[string]pusher.App{"shop": shop(), "off": off}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAppsAreNotReadByInvalidNames(t *testing.T) {
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

// TestSeed reads the app with which the local cloud starts, as functions do.
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
	want := pusher.App{
		ID: "local", Key: "local-key", Secret: "local-secret", Settings: settings.Default(),
	}
	got, err := apps.ByKey(t.Context(), "local-key")
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("the seeded app is %+v, error %v", got, err)
	}
}

// The audit must visit an app even if the app's settings cannot be read.
func TestIDsIncludeAppsThatCannotBeRead(t *testing.T) {
	testEngines(t, func(t *testing.T, client *awsdb.Client) {
		apps := appsOf(t, client)
		for _, id := range []string{"shop", "news"} {
			must(t, apps.Add(t.Context(), pusher.App{
				ID: id, Key: id + "-key", Secret: "s3cret", Settings: settings.Default(),
			}))
		}
		putApp(t, client, map[string]types.AttributeValue{"pk": s("app#odd"), "id": s("odd")})
		got, err := apps.IDs(t.Context())
		must(t, err)
		slices.Sort(got)
		if !slices.Equal(got, []string{"news", "odd", "shop"}) {
			t.Errorf("IDs %v", got)
		}
	})
}
