package dynamo

import (
	"context"
	"time"
)

// Ban bans a user until then and replaces an earlier ban. A time in the past lifts the ban.
func (s *State) Ban(ctx context.Context, app, user string, until time.Time) error {
	it := banKey(app, user)
	it["expires"] = num(until.Unix())
	_, err := s.put(ctx, it, "", nil)
	return err
}

// Banned returns when the user's ban ends, which may be in the past; the zero time if there is
// none.
func (s *State) Banned(ctx context.Context, app, user string) (time.Time, error) {
	it, err := s.get(ctx, banKey(app, user))
	if err != nil || it == nil {
		return time.Time{}, err
	}
	return time.Unix(getNum(it["expires"]), 0), nil
}
