package dynamo_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	awsdb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"hark/shared/dynamo"
	"hark/shared/pusher"
	"hark/shared/state"
)

// rows is what writeRows writes, one row a line. Times stand as they are relative to now: +125m is
// two hours and five minutes after it.
const rows = `
app#shop / count#0: n=1
app#shop#6 / chan#news: at=now vac=nonce
chan#shop#cache-x / cache: expires=+30m frame={"event":"a"} ver=v1
chan#shop#news / count: at=now expires=+125m n=150
chan#shop#news / sub#c1: expires=+125m v=6
chan#shop#presence-room / sub#c1: expires=+125m info={"name":"Ann"} pending=true user=ann v=5
conn#c1 / conn: app=shop at=now dead=true expires=+125m` +
	` info={"name":"Ann"} off={left=4} on={news=6} user=ann
conn#c1 / rate#client#1795521600: expires=+1m n=1
conn#c2 / conn: app=shop at=now counted=true expires=+185m off={} on={}
lease#29925360#1 / c1: expires=+125m
lease#29925360#4 / #shop#news: expires=+125m
once#shop#order#7 / once: answer={} expires=+5m request=digest
sweep / swept: expires=+125m minute=29925360
user#shop#ann / conn#c1: expires=+125m v=1 watch=[bob]
user#shop#ann / told: expires=+125m word=3
user#shop#eve / banned: expires=+5m
watch#shop#bob / conn#c1: expires=+125m`

// TestRows has every kind of row as ARCHITECTURE.md lists them, because another version of a
// function must find what this one wrote. All but a marker and a count of connections expire.
func TestRows(t *testing.T) {
	testEngines(t, func(t *testing.T, client *awsdb.Client) {
		s := stateTable(t, client)
		writeRows(t, s)
		out, err := client.Scan(t.Context(), &awsdb.ScanInput{TableName: &s.Table})
		must(t, err)
		var got []string
		for _, it := range out.Items {
			got = append(got, row(t, it))
		}
		slices.Sort(got)
		want := strings.Split(strings.TrimPrefix(rows, "\n"), "\n")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func writeRows(t *testing.T, s *dynamo.State) {
	t.Helper()
	ctx := t.Context()
	info := json.RawMessage(`{"name":"Ann"}`)
	c := state.Connection{ID: "c1", App: app, ConnectedAt: now, User: "ann"}
	counted := state.Connection{ID: "c2", App: app, ConnectedAt: now, Counted: true}
	room := state.Subscription{
		Connection: "c1", App: app, Channel: "presence-room",
		Stamp: 5, ConnectedAt: now, Pending: true,
		Member: pusher.Member{UserID: "ann", Info: info},
	}
	plain := state.Subscription{
		Connection: "c1", App: app, Channel: news, Stamp: 6, ConnectedAt: now,
	}
	publish := state.KeyedPublish{App: app, Key: "order#7", Request: "digest", Answer: "{}"}
	wrote := func(_ bool, err error) error { return err }
	for _, write := range []func() error{
		func() error { return s.PutConnection(ctx, c) },
		func() error { return s.PutConnection(ctx, counted) },
		func() error { return wrote(s.SignIn(ctx, "c1", pusher.User{ID: "ann", Info: info})) },
		func() error { return wrote(s.TurnOff(ctx, c, "left", 4, 0)) },
		func() error { return wrote(s.TurnOn(ctx, c, news, 6, 0)) },
		func() error { _, err := s.MarkDead(ctx, "c1"); return err },
		func() error { return wrote(s.PutSubscription(ctx, room)) },
		func() error { return wrote(s.PutSubscription(ctx, plain)) },
		func() error { return wrote(s.PutMarker(ctx, app, news, now)) },
		func() error { return wrote(s.MarkVacant(ctx, app, news, "nonce")) },
		func() error { return s.PutUser(ctx, c, []string{"bob"}) },
		func() error { return s.Watch(ctx, c, []string{"bob"}) },
		func() error { return s.SetUserStatus(ctx, app, "ann", state.StatusOnline, now) },
		func() error { return s.SetSentCount(ctx, app, news, 150, now) },
		func() error {
			return s.PutCached(ctx, app, "cache-x", []byte(`{"event":"a"}`), "v1", now)
		},
		func() error {
			at := state.Stamp(now.UnixMilli())
			_, err := s.CountFrame(ctx, "c1", "client", time.Second, at)
			return err
		},
		func() error { _, err := s.KeepPublish(ctx, publish, now); return err },
		func() error { return s.Ban(ctx, app, "eve", now.Add(5*time.Minute)) },
		func() error { return s.PutLease(ctx, "c1", now) },
		func() error { return s.PutCountLease(ctx, app, news, now) },
		func() error { return s.SetSwept(ctx, now) },
	} {
		must(t, write())
	}
}

// row writes an item as rows does.
func row(t *testing.T, it map[string]types.AttributeValue) string {
	t.Helper()
	pk, sk := text(t, "pk", it["pk"]), text(t, "sk", it["sk"])
	delete(it, "pk")
	delete(it, "sk")
	return pk + " / " + sk + ": " + strings.Join(attributes(t, it), " ")
}

func attributes(t *testing.T, m map[string]types.AttributeValue) []string {
	t.Helper()
	var all []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		all = append(all, name+"="+text(t, name, m[name]))
	}
	return all
}

// text writes an attribute. It writes times relative to now.
func text(t *testing.T, name string, v types.AttributeValue) string {
	t.Helper()
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberBOOL:
		return fmt.Sprint(v.Value)
	case *types.AttributeValueMemberM:
		return "{" + strings.Join(attributes(t, v.Value), " ") + "}"
	case *types.AttributeValueMemberL:
		var all []string
		for _, one := range v.Value {
			all = append(all, text(t, name, one))
		}
		return "[" + strings.Join(all, " ") + "]"
	case *types.AttributeValueMemberN:
		var n int64
		_, err := fmt.Sscan(v.Value, &n)
		must(t, err)
		switch {
		case name == "expires":
			return fmt.Sprintf("+%dm", int(time.Unix(n, 0).Sub(now).Minutes()))
		case name == "at" && n == now.UnixMilli():
			return "now"
		}
		return v.Value
	default:
		t.Errorf("%s is a %T", name, v)
		return ""
	}
}
