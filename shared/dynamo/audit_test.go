package dynamo_test

import (
	"testing"
	"time"

	awsdb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"hark/shared/state"
)

func TestAuditPlace(t *testing.T) {
	testEngines(t, func(t *testing.T, client *awsdb.Client) {
		s := stateTable(t, client)
		if got, err := s.AuditPlace(t.Context()); err != nil || got != (state.AuditPlace{}) {
			t.Errorf("at first %+v, error %v", got, err)
		}
		want := state.AuditPlace{Round: now.Truncate(time.Minute), App: app, Part: 3, After: news}
		must(t, s.SetAuditPlace(t.Context(), want, now))
		got, err := s.AuditPlace(t.Context())
		must(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		out, err := client.Scan(t.Context(), &awsdb.ScanInput{TableName: &s.Table})
		must(t, err)
		if len(out.Items) != 1 {
			t.Fatalf("%d rows", len(out.Items))
		}
		const wantRow = `sweep / audit: after=news app=shop expires=+125m part=3 round=29925360`
		if got := row(t, out.Items[0]); got != wantRow {
			t.Errorf("row %s, want %s", got, wantRow)
		}
	})
}
