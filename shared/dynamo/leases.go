package dynamo

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"hark/shared/pusher"
)

// PutLease makes the connection due at a minute.
func (s *State) PutLease(ctx context.Context, id pusher.ConnectionID, due time.Time) error {
	it := leaseKey(id, due)
	it["expires"] = num(expires(due))
	_, err := s.put(ctx, it, "", nil)
	return err
}

// Due returns the connections that are due in that minute.
func (s *State) Due(ctx context.Context, minute time.Time) ([]pusher.ConnectionID, error) {
	var ids []pusher.ConnectionID
	for n := range shards {
		pages := dynamodb.NewQueryPaginator(s.Client, &dynamodb.QueryInput{
			TableName:                 &s.Table,
			ConsistentRead:            aws.Bool(true),
			KeyConditionExpression:    aws.String("pk = :pk"),
			ExpressionAttributeValues: item{":pk": str(leasePK(minute, strconv.Itoa(n)))},
		})
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("leases of minute %d: %w", minute.Unix()/60, err)
			}
			for _, it := range out.Items {
				ids = append(ids, pusher.ConnectionID(getStr(it["sk"])))
			}
		}
	}
	return ids, nil
}

// DeleteLease removes a lease that has been looked at.
func (s *State) DeleteLease(ctx context.Context, id pusher.ConnectionID, due time.Time) error {
	_, err := s.Client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &s.Table, Key: leaseKey(id, due)})
	if err != nil {
		return fmt.Errorf("delete the lease of %s: %w", id, err)
	}
	return nil
}

// Swept returns the last minute that has been swept; the zero time if none has.
func (s *State) Swept(ctx context.Context) (time.Time, error) {
	it, err := s.get(ctx, sweptKey())
	if err != nil || it == nil {
		return time.Time{}, err
	}
	return time.Unix(getNum(it["minute"])*60, 0), nil
}

// SetSwept notes that a minute has been swept.
func (s *State) SetSwept(ctx context.Context, minute time.Time) error {
	it := sweptKey()
	it["minute"] = num(minute.Unix() / 60)
	it["expires"] = num(expires(minute))
	_, err := s.put(ctx, it, "", nil)
	return err
}
