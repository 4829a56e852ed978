package dynamo

import (
	"context"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

// CacheLife is how long the newest event of a cache channel is kept (docs/protocol.md §3.7).
const CacheLife = 30 * time.Minute

// PutCached keeps the frame as the channel's newest event. No two events have the same version.
func (s *State) PutCached(
	ctx context.Context, app string, ch pusher.Channel, frame []byte, version string, now time.Time,
) error {
	it := cacheKey(app, ch)
	it["frame"] = str(string(frame))
	it["ver"] = str(version)
	it["expires"] = num(now.Add(CacheLife).Unix())
	_, err := s.put(ctx, it, "", nil)
	return err
}

// Cached returns the channel's newest event; the zero value if there is none or it has expired.
func (s *State) Cached(
	ctx context.Context, app string, ch pusher.Channel, now time.Time,
) (state.Cached, error) {
	it, err := s.get(ctx, cacheKey(app, ch))
	if err != nil || it == nil {
		return state.Cached{}, err
	}
	left := time.Unix(getNum(it["expires"]), 0).Sub(now)
	if left <= 0 {
		return state.Cached{}, nil
	}
	return state.Cached{
		Frame: getJSON(it["frame"]), Version: getStr(it["ver"]), Left: left,
	}, nil
}
