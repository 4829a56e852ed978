package dynamo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// maxBatch is how many items BatchWriteItem takes.
const maxBatch = 25

// How long to wait before what DynamoDB did not get to is asked of it again: at random up to the first, then up to twice as long each
// time. The SDK itself repeats calls that failed, not those that were done in part or ran into each other.
const (
	firstPause = 20 * time.Millisecond
	mostPause  = time.Second
)

// pause waits before the nth attempt, which counts from 1; it fails when the context ends first.
func pause(ctx context.Context, n int) error {
	most := min(firstPause<<min(n-1, 10), mostPause)
	timer := time.NewTimer(rand.N(most))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// writeAll puts and deletes items on no condition. After an error some of it may be done.
func (s *State) writeAll(ctx context.Context, writes []types.WriteRequest) error {
	for chunk := range slices.Chunk(writes, maxBatch) {
		for n := 1; ; n++ {
			out, err := s.Client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
				RequestItems: map[string][]types.WriteRequest{s.Table: chunk},
			})
			if err != nil {
				return fmt.Errorf("write state: %w", err)
			}
			if chunk = out.UnprocessedItems[s.Table]; len(chunk) == 0 {
				break
			}
			if err := pause(ctx, n); err != nil {
				return fmt.Errorf("%d items of a batch were not written: %w", len(chunk), err)
			}
		}
	}
	return nil
}

// readBoth reads two items or what there is of them, strongly consistent.
func (s *State) readBoth(ctx context.Context, a, b item) ([]item, error) {
	var items []item
	ask := map[string]types.KeysAndAttributes{s.Table: {Keys: []item{a, b}, ConsistentRead: aws.Bool(true)}}
	for n := 1; ; n++ {
		out, err := s.Client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: ask})
		if err != nil {
			return nil, fmt.Errorf("read %s and %s: %w", getStr(a["pk"]), getStr(b["pk"]), err)
		}
		items = append(items, out.Responses[s.Table]...)
		if ask = out.UnprocessedKeys; len(ask) == 0 {
			return items, nil
		}
		if err := pause(ctx, n); err != nil {
			return nil, fmt.Errorf("read %s and %s: %w", getStr(a["pk"]), getStr(b["pk"]), err)
		}
	}
}

// transact makes all of the writes, or none if the condition of one does not hold, which is no error. Transactions on one item do not wait for each
// other: one of them is cancelled, and begins again.
func (s *State) transact(ctx context.Context, writes ...types.TransactWriteItem) error {
	for n := 1; ; n++ {
		_, err := s.Client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
		var cancelled *types.TransactionCanceledException
		switch {
		case err == nil:
			return nil
		case !errors.As(err, &cancelled):
			return fmt.Errorf("write state: %w", err)
		case cancelledBy(cancelled, "ConditionalCheckFailed"):
			return nil
		case !cancelledBy(cancelled, "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"):
			return fmt.Errorf("write state: %w", err)
		}
		if paused := pause(ctx, n); paused != nil {
			return fmt.Errorf("write state: %w", errors.Join(paused, err))
		}
	}
}

// cancelledBy reports whether any write of a transaction failed for one of these reasons.
func cancelledBy(err *types.TransactionCanceledException, codes ...string) bool {
	return slices.ContainsFunc(err.CancellationReasons, func(r types.CancellationReason) bool {
		return slices.Contains(codes, aws.ToString(r.Code))
	})
}
