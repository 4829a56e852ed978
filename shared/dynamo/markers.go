package dynamo

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"hark/shared/pusher"
	"hark/shared/state"
)

// Markers are the rows that list occupied channels: K of docs/steps.md §3. While vac is set, a
// function has found the channel empty; vac is that function's nonce. told is what was announced.

// Marker reads the row; the zero value says that there is none.
func (s *State) Marker(ctx context.Context, app string, ch pusher.Channel) (state.Marker, error) {
	it, err := s.get(ctx, markerKey(app, ch))
	return toMarker(it), err
}

// ConnectionAndMarker reads both rows with one strongly consistent request. A connection that does
// not exist comes back dead.
func (s *State) ConnectionAndMarker(
	ctx context.Context, c state.Connection, ch pusher.Channel,
) (state.Connection, state.Marker, error) {
	items, err := s.readBoth(ctx, connectionKey(c.ID), markerKey(c.App, ch))
	now, marker := toConnection(c.ID, nil), state.Marker{}
	for _, it := range items {
		if getStr(it["sk"]) == connectionSK {
			now = toConnection(c.ID, it)
		} else {
			marker = toMarker(it)
		}
	}
	return now, marker, err
}

func toMarker(it item) state.Marker {
	k := state.Marker{
		Exists:    it != nil,
		Vacant:    getStr(it["vac"]),
		Announced: state.Announced(getNum(it["told"])),
	}
	if at := getNum(it["at"]); at > 0 {
		k.At = time.UnixMilli(at)
	}
	return k
}

// PutMarker writes the row if there is none and reports whether it did. The row never expires: a
// channel may be occupied for longer than any connection lasts
// (docs/decisions/0013-marker-without-expiry.md).
func (s *State) PutMarker(
	ctx context.Context, app string, ch pusher.Channel, now time.Time,
) (bool, error) {
	it := markerKey(app, ch)
	it["at"] = num(now.UnixMilli())
	return s.put(ctx, it, "attribute_not_exists(pk)", nil)
}

// MarkVacant sets vac to the nonce if the row exists and has no vac. It also succeeds if vac is the
// nonce already, because the SDK repeats a write whose answer was lost.
func (s *State) MarkVacant(
	ctx context.Context, app string, ch pusher.Channel, nonce string,
) (bool, error) {
	const unmarked = "attribute_exists(pk) AND (attribute_not_exists(vac) OR vac = :n)"
	return s.update(ctx, markerKey(app, ch), "SET vac = :n", unmarked, item{":n": str(nonce)})
}

// Reopen removes vac if it is the nonce.
func (s *State) Reopen(
	ctx context.Context, app string, ch pusher.Channel, nonce string,
) (bool, error) {
	return s.update(ctx, markerKey(app, ch), "REMOVE vac", vacIsNonce, item{":n": str(nonce)})
}

// DeleteMarker removes the row if vac is the nonce.
func (s *State) DeleteMarker(
	ctx context.Context, app string, ch pusher.Channel, nonce string,
) error {
	_, err := s.TakeMarker(ctx, app, ch, nonce)
	return err
}

// TakeMarker removes the row if vac is the nonce and reports whether it was.
func (s *State) TakeMarker(
	ctx context.Context, app string, ch pusher.Channel, nonce string,
) (bool, error) {
	return s.deleteIf(ctx, markerKey(app, ch), vacIsNonce, item{":n": str(nonce)})
}

const vacIsNonce = "vac = :n"

// Channels returns the occupied channels whose names begin with the prefix, sorted.
func (s *State) Channels(ctx context.Context, app, prefix string) ([]pusher.Channel, error) {
	var channels []pusher.Channel
	for n := range shards {
		in := s.query(markerPK(app, strconv.Itoa(n)), markerPrefix+prefix)
		in.ProjectionExpression = aws.String("sk")
		in.FilterExpression = aws.String("attribute_not_exists(vac)")
		for out, err := range s.pages(ctx, in) {
			if err != nil {
				return nil, err
			}
			for _, it := range out.Items {
				channels = append(channels, markedChannel(it))
			}
		}
	}
	slices.Sort(channels)
	return channels, nil
}

// ListParts returns over how many parts the list of an app's channels is spread.
func (s *State) ListParts() int { return shards }

// Listed returns up to limit channels of a part, sorted by name, whose names sort after `after`. It
// includes channels that were found empty. more reports whether there may be others. A read unit
// reads about 40 channels.
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
		page[i] = state.Listed{Channel: markedChannel(it), Marker: toMarker(it)}
	}
	return page, out.LastEvaluatedKey != nil, nil
}

func markedChannel(it item) pusher.Channel {
	return pusher.Channel(strings.TrimPrefix(getStr(it["sk"]), markerPrefix))
}
