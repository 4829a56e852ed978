package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"hark/shared/pusher"
	"hark/shared/settings"
)

// How long a process uses an item that it has read.
const (
	// appLife is how long a change of an app may take to come into effect.
	appLife = 10 * time.Second
	// noAppLife is for items that do not exist. It is short, because the app may be created next;
	// but repeated requests with a key that does not exist must not cost a read each.
	noAppLife = 5 * time.Second
	// cacheSize bounds the items in memory. A full cache is emptied.
	cacheSize = 1000
)

// Apps is the table of apps. An app has two items: one with its credentials and settings, and one
// that leads from its key to its ID (docs/decisions/0008-apps-table.md). Apps caches items and is
// safe for concurrent use.
type Apps struct {
	Client *dynamodb.Client
	Table  string
	Now    func() time.Time // time.Now if nil

	mu    sync.Mutex
	cache map[string]cached // by pk
}

// What the pk of an app's two items begins with; the app's ID or key follows.
const (
	appPrefix = "app#"
	keyPrefix = "key#"
)

type cached struct {
	item  item // nil if there is none
	until time.Time
}

// ByKey returns the app with the key; it fails with pusher.ErrNoApp if there is none.
func (a *Apps) ByKey(ctx context.Context, appKey string) (pusher.App, error) {
	if !pusher.ValidName(appKey) {
		return pusher.App{}, pusher.ErrNoApp
	}
	it, err := a.get(ctx, keyPrefix+appKey)
	if err != nil {
		return pusher.App{}, err
	}
	id, err := required(it, "app")
	if err != nil {
		return pusher.App{}, fmt.Errorf("key %s: %w", appKey, err)
	}
	return a.ByID(ctx, id)
}

// ByID returns the app with the ID; it fails with pusher.ErrNoApp if there is none.
func (a *Apps) ByID(ctx context.Context, id string) (pusher.App, error) {
	if !pusher.ValidName(id) {
		return pusher.App{}, pusher.ErrNoApp
	}
	it, err := a.get(ctx, appPrefix+id)
	if err != nil {
		return pusher.App{}, err
	}
	return toApp(it)
}

func (a *Apps) get(ctx context.Context, pk string) (item, error) {
	now := time.Now
	if a.Now != nil {
		now = a.Now
	}
	a.mu.Lock()
	c, ok := a.cache[pk]
	a.mu.Unlock()
	if !ok || !now().Before(c.until) {
		out, err := a.Client.GetItem(ctx, &dynamodb.GetItemInput{
			TableName: &a.Table, Key: item{"pk": str(pk)},
		})
		if err != nil {
			return nil, fmt.Errorf("read app: %w", err)
		}
		c = cached{out.Item, now().Add(appLife)}
		if out.Item == nil {
			c.until = now().Add(noAppLife)
		}
		a.mu.Lock()
		if a.cache == nil || len(a.cache) >= cacheSize {
			a.cache = make(map[string]cached)
		}
		a.cache[pk] = c
		a.mu.Unlock()
	}
	if c.item == nil {
		return nil, pusher.ErrNoApp
	}
	return c.item, nil
}

// Add writes both items of a new app, or none. It fails if the ID or the key is taken, or if the
// value of a setting is not allowed.
func (a *Apps) Add(ctx context.Context, app pusher.App) error {
	it := fromApp(app)
	if _, err := toApp(it); err != nil {
		return err
	}
	put := func(it item) types.TransactWriteItem {
		return types.TransactWriteItem{Put: &types.Put{
			TableName: &a.Table, Item: it,
			ConditionExpression: aws.String("attribute_not_exists(pk)"),
		}}
	}
	items := []types.TransactWriteItem{
		put(it),
		put(item{"pk": str(keyPrefix + app.Key), "app": str(app.ID)}),
	}
	_, err := a.Client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
		TransactItems: items,
	})
	var cancelled *types.TransactionCanceledException
	if errors.As(err, &cancelled) {
		for i, what := range []string{"ID " + app.ID, "key " + app.Key} {
			if i >= len(cancelled.CancellationReasons) {
				break
			}
			code := aws.ToString(cancelled.CancellationReasons[i].Code)
			if code == "ConditionalCheckFailed" {
				return fmt.Errorf("an app with the %s exists already", what)
			}
		}
	}
	if err != nil {
		return fmt.Errorf("add app %s: %w", app.ID, err)
	}
	return nil
}

// List returns all apps, in no order. It fails if a setting of any app cannot be read.
func (a *Apps) List(ctx context.Context) ([]pusher.App, error) {
	var apps []pusher.App
	err := a.scan(ctx, nil, func(it item) error {
		app, err := toApp(it)
		apps = append(apps, app)
		return err
	})
	if err != nil {
		return nil, err
	}
	return apps, nil
}

// IDs returns the IDs of all apps, in no order. It reads nothing else of them, so an app with an
// invalid setting does not hide the others.
func (a *Apps) IDs(ctx context.Context) ([]string, error) {
	var ids []string
	err := a.scan(ctx, aws.String("id"), func(it item) error {
		ids = append(ids, getStr(it["id"]))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return ids, nil
}

// scan calls each with these attributes of every app's item, or with all attributes if it is nil.
// It ends with the first error.
func (a *Apps) scan(ctx context.Context, attributes *string, each func(item) error) error {
	pages := dynamodb.NewScanPaginator(a.Client, &dynamodb.ScanInput{
		TableName: &a.Table, ProjectionExpression: attributes,
		FilterExpression:          aws.String("begins_with(pk, :app)"),
		ExpressionAttributeValues: item{":app": str(appPrefix)},
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list apps: %w", err)
		}
		for _, it := range out.Items {
			if err := each(it); err != nil {
				return err
			}
		}
	}
	return nil
}

func toApp(it item) (a pusher.App, err error) {
	for _, f := range []struct {
		name string
		at   *string
	}{{"id", &a.ID}, {"key", &a.Key}, {"secret", &a.Secret}} {
		if *f.at, err = required(it, f.name); err != nil {
			return pusher.App{}, wrong(it, err)
		}
	}
	if a.Settings, err = settings.Decode(fromItem(it)); err != nil {
		return pusher.App{}, wrong(it, err)
	}
	return a, nil
}

// wrong says which app's item an error is about.
func wrong(it item, err error) error {
	return fmt.Errorf("app %s: %w", strings.TrimPrefix(getStr(it["pk"]), appPrefix), err)
}

// required returns an attribute that must be a text.
func required(it item, name string) (string, error) {
	v, found := it[name]
	if !found {
		return "", fmt.Errorf("%s is absent, it must be a text", name)
	}
	s, ok := v.(*types.AttributeValueMemberS)
	if !ok {
		is := settings.TypeName(fromAttribute(v))
		return "", fmt.Errorf("%s is %s, it must be a text", name, is)
	}
	return s.Value, nil
}

func fromApp(a pusher.App) item {
	it := toItem(settings.Encode(a.Settings))
	it["pk"], it["id"] = str(appPrefix+a.ID), str(a.ID)
	it["key"], it["secret"] = str(a.Key), str(a.Secret)
	return it
}
