package socket

import (
	"context"
	"errors"
	"time"

	"hark/shared/pusher"
)

// signIn signs a connection in as the user that the app has signed. A refusal leaves the connection
// open, as at Pusher (docs/protocol.md §3.11).
func (s *Server) signIn(ctx context.Context, r request) error {
	if !r.app.UserAuthentication {
		return pusher.Errorf(pusher.CodeUnauthorized,
			"The app does not have user authentication enabled.")
	}
	d, err := r.SignInData()
	if err != nil {
		return err
	}
	if err := r.app.AuthorizeUser(r.id.SocketID(), d.UserData, d.Auth); err != nil {
		return err
	}
	u, err := pusher.ParseUser(d.UserData)
	if err != nil {
		return err
	}
	if err := s.checkBan(ctx, r, u.ID); err != nil {
		return err
	}
	if err := s.Membership.SignIn(ctx, r.app, r.connection, u, d.UserData); err != nil {
		return err
	}
	// A ban that was written since the first check may have missed this connection.
	if err := s.checkBan(ctx, r, u.ID); err != nil {
		return errors.Join(err, errClose)
	}
	if u.Cut && r.app.Watchlist { // the sign-in has succeeded all the same (docs/protocol.md §3.12)
		return pusher.Errorf(pusher.CodeWatchlist,
			"The watchlist is too long: the first %d users are watched, which is the limit",
			pusher.MaxWatchlist)
	}
	return nil
}

// checkBan refuses a user that is banned when the frame came. A ban closes the user's open
// connections; this keeps the user from coming back on others.
func (s *Server) checkBan(ctx context.Context, r request, user string) error {
	if !r.app.Bans {
		return nil
	}
	until, err := s.Bans.Banned(ctx, r.app.ID, user)
	if err == nil && until.After(time.UnixMilli(int64(r.stamp))) {
		return pusher.Errorf(pusher.CodeUnauthorized,
			"The user %s is banned until %s", user, until.UTC().Format(time.RFC3339))
	}
	return err
}
