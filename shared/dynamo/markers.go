package dynamo

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"hark/shared/pusher"
	"hark/shared/state"
)

// ConnectionAndMarker reads both rows at once, strongly consistent. A connection that is missing comes back dead.
func (s *State) ConnectionAndMarker(
	ctx context.Context, c state.Connection, ch pusher.Channel,
) (state.Connection, state.Marker, error) {
	items, err := s.readBoth(ctx, connectionKey(c.ID), markerKey(c.App, ch))
	now, marker := connection(c.ID, nil), state.Marker{}
	for _, it := range items {
		if getStr(it["sk"]) == "conn" {
			now = connection(c.ID, it)
		} else {
			marker = toMarker(it)
		}
	}
	return now, marker, err
}

// Marker reads the row.
func (s *State) Marker(ctx context.Context, app string, ch pusher.Channel) (state.Marker, error) {
	it, err := s.get(ctx, markerKey(app, ch))
	return toMarker(it), err
}

func toMarker(it item) state.Marker {
	k := state.Marker{Exists: it != nil, Vacant: getStr(it["vac"]), Announced: state.Announced(getNum(it["told"]))}
	if at := getNum(it["at"]); at > 0 {
		k.At = time.UnixMilli(at)
	}
	return k
}

// PutMarker writes the row if there is none. It never expires: a channel may be occupied for longer than any connection
// lasts, and only whoever finds it empty removes its marker.
func (s *State) PutMarker(ctx context.Context, app string, ch pusher.Channel, now time.Time) (bool, error) {
	it := markerKey(app, ch)
	it["at"] = num(now.UnixMilli())
	return s.put(ctx, it, "attribute_not_exists(pk)", nil)
}

// MarkVacant sets vac to the nonce if the row exists and has no vac, or that one: the SDK repeats a write whose answer was lost.
func (s *State) MarkVacant(ctx context.Context, app string, ch pusher.Channel, nonce string) (bool, error) {
	return s.update(ctx, markerKey(app, ch), "SET vac = :n", "attribute_exists(pk) AND (attribute_not_exists(vac) OR vac = :n)", item{":n": str(nonce)})
}

// Reopen removes vac if it is the nonce.
func (s *State) Reopen(ctx context.Context, app string, ch pusher.Channel, nonce string) (bool, error) {
	return s.update(ctx, markerKey(app, ch), "REMOVE vac", "vac = :n", item{":n": str(nonce)})
}

// DeleteMarker removes the row if vac is the nonce.
func (s *State) DeleteMarker(ctx context.Context, app string, ch pusher.Channel, nonce string) error {
	return s.remove(ctx, markerKey(app, ch), "vac = :n", item{":n": str(nonce)})
}

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
				channels = append(channels, pusher.Channel(strings.TrimPrefix(getStr(it["sk"]), markerPrefix)))
			}
		}
	}
	slices.Sort(channels)
	return channels, nil
}
