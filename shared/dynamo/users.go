package dynamo

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"hark/shared/pusher"
	"hark/shared/state"
)

// signedIn is the stamp of a user's row, which is a subscription to the user's channel too. A
// connection has one user for life, so there are no frames that could overtake each other.
const signedIn state.Stamp = 1

// PutUser writes that the connection is signed in as c.User and watches these users. It replaces
// what an earlier sign-in wrote.
func (s *State) PutUser(ctx context.Context, c state.Connection, watchlist []string) error {
	it := userKey(c.App, c.User, c.ID)
	it["v"] = num(signedIn)
	it["expires"] = num(expires(c.ConnectedAt))
	if len(watchlist) > 0 {
		it["watch"] = strs(watchlist)
	}
	_, err := s.put(ctx, it, "", nil)
	return err
}

// Watchlist returns the users that the connection, signed in as the user, watches.
func (s *State) Watchlist(
	ctx context.Context, app, user string, id pusher.ConnectionID,
) ([]string, error) {
	it, err := s.get(ctx, userKey(app, user, id))
	return getStrs(it["watch"]), err
}

// TakeUser removes the row that says that the connection is signed in as the user, and reports
// whether there was one.
func (s *State) TakeUser(
	ctx context.Context, app, user string, id pusher.ConnectionID,
) (found bool, err error) {
	it, err := s.take(ctx, userKey(app, user, id))
	return it != nil, err
}

// User reports whether any connection is signed in as the user, expired ones included, and returns
// the status that the user's watchers were last sent. One query reads both.
func (s *State) User(
	ctx context.Context, app, user string,
) (online bool, sent state.UserStatus, err error) {
	in := s.query(userPK(app, user), "")
	in.ProjectionExpression = aws.String("sk, word")
	for out, err := range s.pages(ctx, in) {
		if err != nil {
			return false, state.StatusUnknown, err
		}
		for _, it := range out.Items {
			switch sk := getStr(it["sk"]); {
			case sk == statusSK:
				sent = state.UserStatus(getNum(it["word"]))
			case strings.HasPrefix(sk, userPrefix):
				online = true
			}
		}
	}
	return online, sent, nil
}

// SetUserStatus writes the status that a user's watchers are sent.
func (s *State) SetUserStatus(
	ctx context.Context, app, user string, status state.UserStatus, now time.Time,
) error {
	it := statusKey(app, user)
	it["word"] = num(status)
	it["expires"] = num(expires(now))
	_, err := s.put(ctx, it, "", nil)
	return err
}
