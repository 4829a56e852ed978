package dynamo

import (
	"context"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

// CacheLife is for how long a cache channel's newest event is kept (docs/protocol.md §3.7).
const CacheLife = 30 * time.Minute

// PutCached keeps the frame as the channel's newest event. The version differs from that of any other event.
func (s *State) PutCached(ctx context.Context, app string, ch pusher.Channel, frame []byte, version string, now time.Time) error {
	it := cacheKey(app, ch)
	it["frame"] = str(string(frame))
	it["ver"] = str(version)
	it["expires"] = num(now.Add(CacheLife).Unix())
	_, err := s.put(ctx, it, "", nil)
	return err
}

// Cached returns the channel's newest event that had not expired by then.
func (s *State) Cached(ctx context.Context, app string, ch pusher.Channel, now time.Time) (state.Cached, error) {
	it, err := s.get(ctx, cacheKey(app, ch))
	if err != nil || it == nil {
		return state.Cached{}, err
	}
	left := time.Unix(getNum(it["expires"]), 0).Sub(now)
	if left <= 0 {
		return state.Cached{}, nil
	}
	return state.Cached{Frame: getJSON(it["frame"]), Version: getStr(it["ver"]), Left: left}, nil
}

// SentCount returns how many the channel's subscribers were said to be, and when; 0 and the zero time if they never were.
func (s *State) SentCount(ctx context.Context, app string, ch pusher.Channel) (n int, at time.Time, err error) {
	it, err := s.get(ctx, sentCountKey(app, ch))
	if err != nil || it == nil {
		return 0, time.Time{}, err
	}
	return int(getNum(it["n"])), time.UnixMilli(getNum(it["at"])), nil
}

// SetSentCount notes it.
func (s *State) SetSentCount(ctx context.Context, app string, ch pusher.Channel, n int, at time.Time) error {
	it := sentCountKey(app, ch)
	it["n"] = num(n)
	it["at"] = num(at.UnixMilli())
	it["expires"] = num(expires(at))
	_, err := s.put(ctx, it, "", nil)
	return err
}
