package membership_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"hark/shared/pusher"
	"hark/shared/state"
)

// row is a row of the state table. The test reads the table itself, without code of the product.
type row struct {
	pk, sk string
	it     map[string]types.AttributeValue
}

func (r row) String() string { return r.pk + " " + r.sk }

func (r row) text(name string) string {
	s, _ := r.it[name].(*types.AttributeValueMemberS)
	if s == nil {
		return ""
	}
	return s.Value
}

func (r row) number(name string) int64 {
	n, _ := r.it[name].(*types.AttributeValueMemberN)
	if n == nil {
		return 0
	}
	i, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil {
		panic(err)
	}
	return i
}

func (r row) flag(name string) bool {
	b, _ := r.it[name].(*types.AttributeValueMemberBOOL)
	return b != nil && b.Value
}

// stamp returns the stamp of a channel in a map of channels; 0 if it has none.
func (r row) stamp(name string, ch pusher.Channel) state.Stamp {
	m, _ := r.it[name].(*types.AttributeValueMemberM)
	if m == nil {
		return 0
	}
	channels := row{it: m.Value}
	return state.Stamp(channels.number(string(ch)))
}

// table is all rows by kind.
type table struct {
	connections   map[pusher.ConnectionID]row
	subscriptions map[string]map[pusher.ConnectionID]row // by the channel's row
	users         map[string]map[pusher.ConnectionID]row // by the user's row
	markers       map[string]row                         // by the channel's row
	counted       map[string]int64                       // open connections by app
	rest          []row                                  // all others: see passing
}

func (w *world) rows() table {
	t := table{
		connections:   map[pusher.ConnectionID]row{},
		subscriptions: map[string]map[pusher.ConnectionID]row{},
		users:         map[string]map[pusher.ConnectionID]row{},
		markers:       map[string]row{},
		counted:       map[string]int64{},
	}
	pages := awsdb.NewScanPaginator(w.state.Client, &awsdb.ScanInput{
		TableName: &w.state.Table, ConsistentRead: aws.Bool(true),
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(context.Background())
		if err != nil {
			panic(err)
		}
		for _, it := range out.Items {
			r := row{it: it}
			r.pk, r.sk = r.text("pk"), r.text("sk")
			t.add(r)
		}
	}
	return t
}

func (t *table) add(r row) {
	kind, rest, _ := strings.Cut(r.pk, "#")
	of, id, _ := strings.Cut(r.sk, "#")
	put := func(in map[string]map[pusher.ConnectionID]row) {
		if in[r.pk] == nil {
			in[r.pk] = map[pusher.ConnectionID]row{}
		}
		in[r.pk][pusher.ConnectionID(id)] = r
	}
	app, _, sharded := strings.Cut(rest, "#")
	switch {
	case kind == "conn" && r.sk == "conn":
		t.connections[pusher.ConnectionID(rest)] = r
	case kind == "chan" && of == "sub":
		put(t.subscriptions)
	case kind == "user" && of == "conn":
		put(t.users)
	case kind == "app" && of == "chan" && sharded:
		t.markers[channelRow(app, pusher.Channel(id))] = r
	case kind == "app" && of == "count":
		t.counted[rest] += r.number("n")
	default:
		t.rest = append(t.rest, r)
	}
}

// traces are the rows that are left of a connection.
func (t table) traces(id pusher.ConnectionID) (left []row) {
	if r, found := t.connections[id]; found {
		left = append(left, r)
	}
	for _, of := range []map[string]map[pusher.ConnectionID]row{t.subscriptions, t.users} {
		for _, rows := range of {
			if r, found := rows[id]; found {
				left = append(left, r)
			}
		}
	}
	return left
}

// passing reports whether a row may outlive all clients: Sweep's own, and those that only expire.
// Leases are not deleted when their minute is done.
func (r row) passing() bool {
	kind, _, _ := strings.Cut(r.pk, "#")
	switch {
	case kind == "sweep":
		return true
	case r.number("expires") == 0:
		return false
	}
	switch kind {
	case "lease", "watch":
		return true
	case "chan":
		return r.sk == "cache" || r.sk == "count"
	case "user":
		return r.sk == "told"
	case "conn":
		return strings.HasPrefix(r.sk, "rate#")
	}
	return false
}

func (t table) String() string {
	return fmt.Sprintf("%d connections, subscriptions %v, markers %v",
		len(t.connections), t.subscriptions, t.markers)
}
