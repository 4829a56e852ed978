package dynamo

import (
	"context"
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"hark/shared/pusher"
	"hark/shared/state"
)

// A connection's row has two maps of channel to stamp: on holds the channels that it is on, off
// those that it left within the last minute. An entry of off that is older is stale; the writes
// here remove it along the way (docs/decisions/0016-stale-offs.md).

// Limits of one connection (docs/decisions/0020-limits.md). A write bills its whole item, so they
// bound what one frame of a client costs.
const (
	maxChannels  = 100
	maxNameBytes = 16 << 10        // of the names in on and off together
	maxLeft      = 2 * maxChannels // entries of off that are not stale
	maxRemoved   = 20              // stale entries removed by one write: a condition may have 4 KB
)

// TurnOn adds the channel to the connection, on the conditions of docs/steps.md §3.1 step 2. It
// reports false if the connection does not exist or is dead, or if a newer frame was about the same
// channel. It fails with a *pusher.Error if the connection is on too many channels. t is the
// frame's stamp; entries of off that are older than stale are removed.
func (s *State) TurnOn(
	ctx context.Context, c state.Connection, ch pusher.Channel, t, stale state.Stamp,
) (bool, error) {
	return s.changeChannel(ctx, c, channelChange{
		ch: ch, t: t, stale: stale,
		update: "SET #on.#ch = :t REMOVE #off.#ch",
		cond: "(attribute_not_exists(#on.#ch) OR #on.#ch <= :t)" +
			" AND (attribute_not_exists(#off.#ch) OR #off.#ch <= :t)" +
			" AND (attribute_exists(#on.#ch) OR size(#on) < :max)",
		limits:    item{":max": num(maxChannels)},
		overtaken: func(c state.Connection) bool { return c.On[ch] > t || c.Off[ch] > t },
		full: func(c state.Connection) bool {
			_, on := c.On[ch]
			return !on && (len(c.On) >= maxChannels || tooManyLeft(c, ch, stale))
		},
	})
}

// TurnOff removes the channel from the connection, on the conditions of docs/steps.md §3.3 step 2.
// Its results are those of TurnOn; a channel that the connection is on can always be left.
func (s *State) TurnOff(
	ctx context.Context, c state.Connection, ch pusher.Channel, t, stale state.Stamp,
) (bool, error) {
	return s.changeChannel(ctx, c, channelChange{
		ch: ch, t: t, stale: stale,
		update: "SET #off.#ch = :t REMOVE #on.#ch",
		cond: "(attribute_not_exists(#on.#ch) OR #on.#ch < :t)" +
			" AND (attribute_not_exists(#off.#ch) OR #off.#ch <= :t)",
		overtaken: func(c state.Connection) bool { return c.On[ch] >= t || c.Off[ch] > t },
		full: func(c state.Connection) bool {
			_, on := c.On[ch]
			return !on && tooManyLeft(c, ch, stale)
		},
	})
}

// TurnBack undoes the subscribe with the stamp t, which was refused: it removes the channel from
// the connection, as an unsubscribe with the stamp t would, if the channel's stamp is t.
func (s *State) TurnBack(
	ctx context.Context, id pusher.ConnectionID, ch pusher.Channel, t state.Stamp,
) error {
	_, err := s.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.Table, Key: connectionKey(id),
		UpdateExpression:          aws.String("REMOVE #on.#ch SET #off.#ch = :t"),
		ConditionExpression:       aws.String("#on.#ch = :t"),
		ExpressionAttributeNames:  map[string]string{"#on": "on", "#off": "off", "#ch": string(ch)},
		ExpressionAttributeValues: item{":t": num(t)},
	})
	_, err = held(err)
	return err
}

// channelChange is one change of a connection's channels. What may refuse it is given twice: as a
// condition for DynamoDB, and as functions of the row as it was read.
type channelChange struct {
	ch              pusher.Channel
	t, stale        state.Stamp
	update, cond    string // update ends with its REMOVE clause
	limits          item   // the values of the condition besides the stamp
	overtaken, full func(state.Connection) bool
}

// changeChannel makes the change. c is the row as it was last read; it says which stale entries the
// same write can remove. If one of them has changed since, DynamoDB refuses the whole write, and it
// is made again from the row as it is now.
func (s *State) changeChannel(
	ctx context.Context, c state.Connection, change channelChange,
) (bool, error) {
	for {
		switch {
		case c.Dead || change.overtaken(c):
			return false, nil
		case change.full(c):
			return false, pusher.Limitf(pusher.CodeLimit, "Too many channels on one connection for"+
				" %s: the limit is %d channels and %d bytes of names",
				change.ch, maxChannels, maxNameBytes)
		}
		_, err := s.Client.UpdateItem(ctx, s.channelUpdate(c, change))
		now, failed := conditionFailed(err)
		switch {
		case failed && now == nil:
			return false, nil // no row
		case failed:
			c = toConnection(c.ID, now)
		case err != nil:
			return false, fmt.Errorf("change the channels of %s: %w", c.ID, err)
		default:
			return true, nil
		}
	}
}

func (s *State) channelUpdate(
	c state.Connection, change channelChange,
) *dynamodb.UpdateItemInput {
	update := change.update
	cond := "attribute_exists(pk) AND attribute_not_exists(dead) AND " + change.cond
	names := map[string]string{"#on": "on", "#off": "off", "#ch": string(change.ch)}
	values := item{":t": num(change.t)}
	maps.Copy(values, change.limits)
	n := 0
	for ch, t := range c.Off {
		if ch == change.ch || t >= change.stale {
			continue
		}
		if n == maxRemoved { // later writes remove the rest
			break
		}
		values[":stale"] = num(change.stale)
		name := fmt.Sprintf("#o%d", n)
		names[name] = string(ch)
		update += ", #off." + name
		cond += fmt.Sprintf(" AND (attribute_not_exists(#off.%s) OR #off.%s < :stale)", name, name)
		n++
	}
	return &dynamodb.UpdateItemInput{
		TableName: &s.Table, Key: connectionKey(c.ID),
		UpdateExpression: &update, ConditionExpression: &cond,
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,

		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}

// tooManyLeft reports whether the channel would exceed maxLeft or maxNameBytes. Stale entries do
// not count, because the write removes them.
func tooManyLeft(c state.Connection, ch pusher.Channel, stale state.Stamp) bool {
	left, size := 0, len(ch)
	for on := range c.On {
		size += len(on)
	}
	for off, t := range c.Off {
		if t >= stale && off != ch {
			size += len(off)
			left++
		}
	}
	return left >= maxLeft || size > maxNameBytes
}
