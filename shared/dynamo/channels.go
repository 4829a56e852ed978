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

// What one connection may hold (docs/decisions/0020-limits.md): channels, and bytes of their names. A write bills its whole item, so the
// first bounds what a stranger's frame costs.
const (
	maxChannels  = 100
	maxNameBytes = 16 << 10
	maxLeft      = 2 * maxChannels // left within the last minute: remembered, so bounded too
	maxRemoved   = 20              // stale offs in one write: a condition may have 4 KB
)

// TurnOn adds the channel to the connection on the conditions of docs/steps.md §3, subscribe, step 2.
func (s *State) TurnOn(ctx context.Context, c state.Connection, ch pusher.Channel, t, stale state.Stamp) (bool, error) {
	return s.turn(ctx, c, turning{
		ch: ch, t: t, stale: stale,
		update: "SET #on.#ch = :t REMOVE #off.#ch",
		cond: "(attribute_not_exists(#on.#ch) OR #on.#ch <= :t) AND (attribute_not_exists(#off.#ch) OR #off.#ch <= :t)" +
			" AND (attribute_exists(#on.#ch) OR size(#on) < :max)",
		limits: item{":max": num(maxChannels)},
		newer:  func(c state.Connection) bool { return c.On[ch] > t || c.Off[ch] > t },
		full: func(c state.Connection) bool {
			_, on := c.On[ch]
			return !on && (len(c.On) >= maxChannels || tooManyLeft(c, ch, stale))
		},
	})
}

// TurnOff removes the channel from the connection on the conditions of docs/steps.md §3, unsubscribe. A channel that it is in can
// always be left.
func (s *State) TurnOff(ctx context.Context, c state.Connection, ch pusher.Channel, t, stale state.Stamp) (bool, error) {
	return s.turn(ctx, c, turning{
		ch: ch, t: t, stale: stale,
		update: "SET #off.#ch = :t REMOVE #on.#ch",
		cond:   "(attribute_not_exists(#on.#ch) OR #on.#ch < :t) AND (attribute_not_exists(#off.#ch) OR #off.#ch <= :t)",
		newer:  func(c state.Connection) bool { return c.On[ch] >= t || c.Off[ch] > t },
		full: func(c state.Connection) bool {
			_, on := c.On[ch]
			return !on && tooManyLeft(c, ch, stale)
		},
	})
}

// TurnBack removes the channel from the connection, as an unsubscribe with the stamp t would, if its stamp is t: that subscribe was
// refused.
func (s *State) TurnBack(ctx context.Context, id pusher.ConnectionID, ch pusher.Channel, t state.Stamp) error {
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

// turning is one change of a connection's channels, with its refusals said twice: to DynamoDB, and to a row in hand.
type turning struct {
	ch           pusher.Channel
	t, stale     state.Stamp
	update, cond string // the update ends with its REMOVE clause
	limits       item   // values of the condition beside the stamp
	newer, full  func(state.Connection) bool
}

// turn makes the change. c is the row as last seen: it tells which stale offs can go in the same write. When one of
// them has changed since, the write is refused for that alone, and is made again from the row as it is.
func (s *State) turn(ctx context.Context, c state.Connection, w turning) (bool, error) {
	for {
		switch {
		case c.Dead || w.newer(c):
			return false, nil
		case w.full(c):
			return false, pusher.Limitf(pusher.CodeLimit,
				"Too many channels on one connection for %s: the limit is %d channels and %d bytes of names", w.ch, maxChannels, maxNameBytes)
		}
		in := s.turnInput(c, w)
		_, err := s.Client.UpdateItem(ctx, in)
		now, failed := refused(err)
		switch {
		case failed && now == nil:
			return false, nil // no row
		case failed:
			c = connection(c.ID, now)
		case err != nil:
			return false, fmt.Errorf("change the channels of %s: %w", c.ID, err)
		default:
			return true, nil
		}
	}
}

func (s *State) turnInput(c state.Connection, w turning) *dynamodb.UpdateItemInput {
	update := w.update
	cond := "attribute_exists(pk) AND attribute_not_exists(dead) AND " + w.cond
	names := map[string]string{"#on": "on", "#off": "off", "#ch": string(w.ch)}
	values := item{":t": num(w.t)}
	maps.Copy(values, w.limits)
	n := 0
	for ch, t := range c.Off {
		if ch == w.ch || t >= w.stale {
			continue
		}
		if n == maxRemoved { // the rest goes with the next frames
			break
		}
		values[":stale"] = num(w.stale)
		name := fmt.Sprintf("#o%d", n)
		names[name] = string(ch)
		update += ", #off." + name
		cond += fmt.Sprintf(" AND (attribute_not_exists(#off.%s) OR #off.%s < :stale)", name, name)
		n++
	}
	return &dynamodb.UpdateItemInput{
		TableName: &s.Table, Key: connectionKey(c.ID), UpdateExpression: &update, ConditionExpression: &cond,
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}

// tooManyLeft reports whether the channel would be one too many among those that the connection has left lately, or too long a name among
// those that its row holds. What was left longer ago goes with the write.
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
