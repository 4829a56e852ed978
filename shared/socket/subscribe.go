package socket

import (
	"context"

	"hark/shared/pusher"
)

// subscribe checks whether the client may subscribe. Package membership then sends the success,
// because no frame of the channel may come before it (docs/protocol.md §3.14).
func (s *Server) subscribe(ctx context.Context, r request) error {
	d, err := r.SubscribeData()
	if err != nil {
		return err
	}
	ch := d.Channel
	if ch.User() != "" {
		return s.Membership.SubscribeUser(ctx, r.connection, ch)
	}
	if err := ch.Validate(r.app.MaxChannelName); err != nil {
		return err
	}
	if err := r.app.Authorize(r.id.SocketID(), ch, d.ChannelData, string(d.Auth)); err != nil {
		return err
	}
	if !ch.Presence() {
		return s.Membership.Subscribe(ctx, r.app, r.connection, ch, r.stamp)
	}
	m, err := member(r, d)
	if err != nil {
		return err
	}
	if err := s.checkBan(ctx, r, m.UserID); err != nil {
		return err
	}
	return s.Membership.SubscribePresence(ctx, r.connection, ch, m, r.stamp)
}

// member returns the member that the client becomes on a presence channel: the one in the channel
// data, else the user that the connection is signed in as (docs/protocol.md §3.6).
func member(r request, d pusher.SubscribeData) (pusher.Member, error) {
	limit := r.app.MaxMemberSize
	if d.ChannelData != "" {
		return pusher.ParseMember(d.Channel, d.ChannelData, limit)
	}
	if r.connection.User == "" {
		return pusher.Member{}, pusher.Errorf(pusher.CodeUnauthorized,
			"The presence channel %s needs a channel_data, or a connection that is signed in",
			d.Channel)
	}
	m := r.connection.Member()
	if size := len(m.UserID) + len(m.Info); size > limit {
		return pusher.Member{}, pusher.Limitf(pusher.CodeRejected,
			"The user for %s is too large: %d bytes, the limit is %d", d.Channel, size, limit)
	}
	return m, nil
}

// unsubscribe sends the client nothing, as no server does (docs/protocol.md §3.9). It ignores
// users' channels: a client leaves its user's channel only by the end of the connection.
func (s *Server) unsubscribe(ctx context.Context, r request) error {
	d, err := r.SubscribeData()
	if err != nil || d.Channel.User() != "" {
		return err
	}
	if err := d.Channel.Validate(r.app.MaxChannelName); err != nil {
		return err
	}
	return s.Membership.Unsubscribe(ctx, r.app, r.connection, d.Channel, r.stamp)
}
