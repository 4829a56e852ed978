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

// Requests for several items. DynamoDB may do a batch in part, or cancel a transaction because of
// another one. The SDK repeats neither, so the functions here do.

// maxBatch is how many items BatchWriteItem takes.
const maxBatch = 25

// The pause before another attempt is random: up to firstPause at first, then up to twice as long
// each time, at most longestPause.
const (
	firstPause   = 20 * time.Millisecond
	longestPause = time.Second
)

// pause waits after the nth attempt, counted from 1. It fails if the context ends first.
func pause(ctx context.Context, n int) error {
	longest := min(firstPause<<min(n-1, 10), longestPause)
	timer := time.NewTimer(rand.N(longest))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// writeAll puts and deletes items, without conditions. After an error some of it may be done.
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

// readBoth reads two items, strongly consistent. It returns those that exist.
func (s *State) readBoth(ctx context.Context, a, b item) ([]item, error) {
	failed := func(err error) error {
		return fmt.Errorf("read %s and %s: %w", getStr(a["pk"]), getStr(b["pk"]), err)
	}
	var items []item
	ask := map[string]types.KeysAndAttributes{
		s.Table: {Keys: []item{a, b}, ConsistentRead: aws.Bool(true)},
	}
	for n := 1; ; n++ {
		out, err := s.Client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: ask})
		if err != nil {
			return nil, failed(err)
		}
		items = append(items, out.Responses[s.Table]...)
		if ask = out.UnprocessedKeys; len(ask) == 0 {
			return items, nil
		}
		if err := pause(ctx, n); err != nil {
			return nil, failed(err)
		}
	}
}

// transact does all of the writes, or none if the condition of one does not hold, which is no
// error. DynamoDB cancels one of two transactions on the same item instead of letting it wait;
// transact then tries again.
func (s *State) transact(ctx context.Context, writes ...types.TransactWriteItem) error {
	for n := 1; ; n++ {
		_, err := s.Client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
			TransactItems: writes,
		})
		var cancelled *types.TransactionCanceledException
		switch {
		case err == nil:
			return nil
		case !errors.As(err, &cancelled):
			return fmt.Errorf("write state: %w", err)
		case cancelledBy(cancelled, "ConditionalCheckFailed"):
			return nil
		case !cancelledBy(cancelled,
			"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"):
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
