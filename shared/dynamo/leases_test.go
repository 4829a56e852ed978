package dynamo_test

import (
	"fmt"
	"testing"
	"time"

	awsdb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"hark/shared/pusher"
	"hark/shared/state"
)

func TestLeases(t *testing.T) {
	testEngines(t, func(t *testing.T, client *awsdb.Client) {
		s := stateTable(t, client)
		due := now.Truncate(time.Minute)
		var want []state.Lease
		for i := range 20 {
			minute := due.Add(time.Duration(i%2) * time.Minute)
			id := pusher.ConnectionID(fmt.Sprintf("c%02d", i))
			ch := pusher.Channel(fmt.Sprintf("news-%02d", i))
			must(t, s.PutLease(t.Context(), id, minute))
			must(t, s.PutCountLease(t.Context(), app, ch, minute))
			if minute.Equal(due) {
				want = append(want,
					state.Lease{Minute: due, Connection: id},
					state.Lease{Minute: due, App: app, Channel: ch})
			}
		}
		is := func(want []state.Lease) {
			t.Helper()
			got, err := s.Due(t.Context(), due)
			name := func(l state.Lease) string { return string(l.Connection) + string(l.Channel) }
			sorted := cmpopts.SortSlices(func(a, b state.Lease) bool {
				return name(a) < name(b)
			})
			if diff := cmp.Diff(want, got, sorted); err != nil || diff != "" {
				t.Errorf("due, error %v:\n%s", err, diff)
			}
		}
		is(want)
		for _, l := range want[:2] {
			for range 2 { // the second time there is no row
				if err := s.DeleteLease(t.Context(), l); err != nil {
					t.Error(err)
				}
			}
		}
		is(want[2:])
		if swept, err := s.Swept(t.Context()); err != nil || !swept.IsZero() {
			t.Errorf("swept %v, error %v", swept, err)
		}
		if err := s.SetSwept(t.Context(), due); err != nil {
			t.Error(err)
		}
		if swept, err := s.Swept(t.Context()); err != nil || !swept.Equal(due) {
			t.Errorf("swept %v, error %v", swept, err)
		}
	})
}
