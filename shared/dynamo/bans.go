package dynamo

import (
	"context"
	"time"
)

// Ban keeps a user away until then, whatever was said before; a time that has passed lifts a ban.
func (s *State) Ban(ctx context.Context, app, user string, until time.Time) error {
	it := banKey(app, user)
	it["expires"] = num(until.Unix())
	_, err := s.put(ctx, it, "", nil)
	return err
}

// Banned returns until when the user is banned, which may have passed; the zero time if the user never was.
func (s *State) Banned(ctx context.Context, app, user string) (time.Time, error) {
	it, err := s.get(ctx, banKey(app, user))
	if err != nil || it == nil {
		return time.Time{}, err
	}
	return time.Unix(getNum(it["expires"]), 0), nil
}
