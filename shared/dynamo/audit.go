package dynamo

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"hark/shared/pusher"
	"hark/shared/state"
)

// ListParts is over how many parts the list of an app's channels is spread.
func (s *State) ListParts() int { return shards }

// Listed returns the channels of a part, sorted, from the first behind after on, flagged ones included. There are at most limit of them;
// more tells whether there may be others. About 40 of them cost a read unit.
func (s *State) Listed(
	ctx context.Context, app string, part int, after pusher.Channel, limit int,
) (page []state.Listed, more bool, err error) {
	in := s.query(markerPK(app, strconv.Itoa(part)), "")
	in.KeyConditionExpression = aws.String("pk = :pk AND sk > :after")
	in.ExpressionAttributeValues[":after"] = str(markerPrefix + string(after))
	in.Limit = aws.Int32(int32(limit))
	out, err := s.Client.Query(ctx, in)
	if err != nil {
		return nil, false, fmt.Errorf("list channels of %s: %w", app, err)
	}
	page = make([]state.Listed, len(out.Items))
	for i, it := range out.Items {
		page[i] = state.Listed{
			Channel: pusher.Channel(strings.TrimPrefix(getStr(it["sk"]), markerPrefix)),
			Marker:  toMarker(it),
		}
	}
	return page, out.LastEvaluatedKey != nil, nil
}

// Expired returns the channel's subscriptions that had expired by then; occupied tells whether there are any at all.
func (s *State) Expired(
	ctx context.Context, app string, ch pusher.Channel, now time.Time,
) (expired []state.Subscription, occupied bool, err error) {
	pk, prefix := place(app, ch)
	in := s.query(pk, prefix)
	in.ProjectionExpression = aws.String("sk, v, expires")
	in.FilterExpression = aws.String("expires <= :now")
	in.ExpressionAttributeValues[":now"] = num(now.Unix())
	for out, err := range s.pages(ctx, in) {
		if err != nil {
			return nil, false, err
		}
		occupied = occupied || out.ScannedCount > 0 // before the filter
		for _, it := range out.Items {
			expired = append(expired, subscription(app, ch, prefix, it))
		}
	}
	return expired, occupied, nil
}

// AuditPlace returns how far the audit has come.
func (s *State) AuditPlace(ctx context.Context) (state.AuditPlace, error) {
	it, err := s.get(ctx, auditKey())
	if err != nil || it == nil {
		return state.AuditPlace{}, err
	}
	return state.AuditPlace{
		Round: time.Unix(getNum(it["round"])*60, 0),
		App:   getStr(it["app"]),
		Part:  int(getNum(it["part"])),
		After: pusher.Channel(getStr(it["after"])),
	}, nil
}

// SetAuditPlace notes it.
func (s *State) SetAuditPlace(ctx context.Context, p state.AuditPlace, now time.Time) error {
	it := auditKey()
	it["round"] = num(p.Round.Unix() / 60)
	it["app"] = str(p.App)
	it["part"] = num(p.Part)
	it["after"] = str(string(p.After))
	it["expires"] = num(expires(now))
	_, err := s.put(ctx, it, "", nil)
	return err
}

// auditKey is beside the place of Sweep.
func auditKey() item { return key("sweep", "audit") }

// IDs returns the IDs of all apps, in no order. It reads nothing else of them, so that an app with a setting that is wrong hides no other.
func (a *Apps) IDs(ctx context.Context) ([]string, error) {
	var ids []string
	pages := dynamodb.NewScanPaginator(a.Client, &dynamodb.ScanInput{
		TableName: &a.Table, ProjectionExpression: aws.String("id"),
		FilterExpression: aws.String("begins_with(pk, :app)"), ExpressionAttributeValues: item{":app": str("app#")},
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list apps: %w", err)
		}
		for _, it := range out.Items {
			ids = append(ids, getStr(it["id"]))
		}
	}
	return ids, nil
}
