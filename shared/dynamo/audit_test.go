package dynamo_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"hark/shared/pusher"
	"hark/shared/settings"
	"hark/shared/state"
)

func TestListed(t *testing.T) {
	onEngines(t, func(t *testing.T, client *awsdb.Client) {
		s := stateTable(t, client)
		want := map[pusher.Channel]state.Marker{}
		for i := range 50 {
			ch := pusher.Channel(fmt.Sprintf("channel-%d", i))
			_, err := s.PutMarker(t.Context(), app, ch, now)
			do(t, err)
			want[ch] = state.Marker{Exists: true, At: now}
			_, err = s.PutMarker(t.Context(), "other", ch+"-of-another-app", now)
			do(t, err)
		}
		_, err := s.MarkVacant(t.Context(), app, "channel-7", "nonce")
		do(t, err)
		want["channel-7"] = state.Marker{Exists: true, At: now, Vacant: "nonce"}

		got := map[pusher.Channel]state.Marker{}
		for part := range s.ListParts() {
			after, more := pusher.Channel(""), true
			for more {
				var page []state.Listed
				page, more, err = s.Listed(t.Context(), app, part, after, 3)
				do(t, err)
				if len(page) > 3 || more && len(page) == 0 {
					t.Fatalf("a page of %d, more: %t", len(page), more)
				}
				for _, l := range page {
					if l.Channel <= after {
						t.Errorf("%q comes after %q", l.Channel, after)
					}
					got[l.Channel], after = l.Marker, l.Channel
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestExpired(t *testing.T) {
	onEngines(t, func(t *testing.T, client *awsdb.Client) {
		s := stateTable(t, client)
		is := func(later time.Duration, occupied bool, want ...pusher.ConnectionID) {
			t.Helper()
			rows, is, err := s.Expired(t.Context(), app, news, now.Add(later))
			do(t, err)
			var got []pusher.ConnectionID
			for _, r := range rows {
				got = append(got, r.Connection)
				if r.App != app || r.Channel != news || r.Stamp != 5 {
					t.Errorf("row %+v", r)
				}
			}
			if is != occupied || !slices.Equal(got, want) {
				t.Errorf("after %s: %v, occupied: %t", later, got, is)
			}
		}
		is(0, false)
		for i, id := range []pusher.ConnectionID{"a", "b"} {
			_, err := s.PutSubscription(t.Context(), state.Subscription{
				Connection: id, App: app, Channel: news, Stamp: 5, ConnectedAt: now.Add(time.Duration(i) * time.Hour),
			})
			do(t, err)
		}
		do(t, s.PutCached(t.Context(), app, news, []byte(`{}`), "v1", now)) // is no subscriber
		is(state.RowLife-time.Second, true)
		is(state.RowLife, true, "a")
		is(state.RowLife+time.Hour, true, "a", "b")
		// Readers take it for expired at the same second.
		n, err := s.Count(t.Context(), app, news, now.Add(state.RowLife))
		if err != nil || n != 1 {
			t.Errorf("%d are counted (%v)", n, err)
		}
	})
}

func TestAuditPlace(t *testing.T) {
	onEngines(t, func(t *testing.T, client *awsdb.Client) {
		s := stateTable(t, client)
		if got, err := s.AuditPlace(t.Context()); err != nil || got != (state.AuditPlace{}) {
			t.Errorf("at first %+v, error %v", got, err)
		}
		want := state.AuditPlace{Round: now.Truncate(time.Minute), App: app, Part: 3, After: news}
		do(t, s.SetAuditPlace(t.Context(), want, now))
		got, err := s.AuditPlace(t.Context())
		do(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		out, err := client.Scan(t.Context(), &awsdb.ScanInput{TableName: &s.Table})
		do(t, err)
		if len(out.Items) != 1 {
			t.Fatalf("%d rows", len(out.Items))
		}
		if got, want := row(t, out.Items[0]), `sweep / audit: after=news app=shop expires=+125m part=3 round=29925360`; got != want {
			t.Errorf("row %s, want %s", got, want)
		}
	})
}

// An app that cannot be read as a whole is audited all the same.
func TestIDs(t *testing.T) {
	onEngines(t, func(t *testing.T, client *awsdb.Client) {
		apps := appsOf(t, client)
		for _, id := range []string{"shop", "news"} {
			do(t, apps.Add(t.Context(), pusher.App{ID: id, Key: id + "-key", Secret: "s3cret", Settings: settings.Default()}))
		}
		_, err := client.PutItem(t.Context(), &awsdb.PutItemInput{TableName: aws.String(apps.Table), Item: map[string]types.AttributeValue{
			"pk": &types.AttributeValueMemberS{Value: "app#odd"}, "id": &types.AttributeValueMemberS{Value: "odd"},
		}})
		do(t, err)
		got, err := apps.IDs(t.Context())
		do(t, err)
		slices.Sort(got)
		if !slices.Equal(got, []string{"news", "odd", "shop"}) {
			t.Errorf("IDs %v", got)
		}
	})
}
