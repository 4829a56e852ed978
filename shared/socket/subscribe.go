package socket

import (
	"context"

	"hark/shared/pusher"
)

// subscribe lets a client into a channel. What it is told then, and when, is for Members to say: no frame of the channel may come
// before its success (docs/protocol.md §3.14).
func (s *Server) subscribe(ctx context.Context, r request) error {
	d, err := r.SubscribeData()
	if err != nil {
		return err
	}
	ch := d.Channel
	if ch.User() != "" {
		return s.Membership.SubscribeUser(ctx, r.c, ch)
	}
	if err := ch.Validate(r.app.MaxChannelName); err != nil {
		return err
	}
	if err := r.app.Authorize(r.id.SocketID(), ch, d.ChannelData, string(d.Auth)); err != nil {
		return err
	}
	if !ch.Presence() {
		return s.Membership.Subscribe(ctx, r.app, r.c, ch, r.t)
	}
	m, err := member(r, d)
	if err != nil {
		return err
	}
	if err := s.welcome(ctx, r, m.UserID); err != nil {
		return err
	}
	return s.Membership.SubscribePresence(ctx, r.c, ch, m, r.t)
}

// member is as whom the client joins a presence channel: the one in the channel data, else the user it is signed in as
// (docs/protocol.md §3.6).
func member(r request, d pusher.SubscribeData) (pusher.Member, error) {
	limit := r.app.MaxMemberSize
	if d.ChannelData != "" {
		return pusher.ParseMember(d.Channel, d.ChannelData, limit)
	}
	if r.c.User == "" {
		return pusher.Member{}, pusher.Errorf(pusher.CodeUnauthorized,
			"The presence channel %s needs a channel_data, or a connection that is signed in", d.Channel)
	}
	m := r.c.Member()
	if size := len(m.UserID) + len(m.Info); size > limit {
		return pusher.Member{}, pusher.Limitf(pusher.CodeRejected, "The user for %s is too large: %d bytes, the limit is %d", d.Channel, size, limit)
	}
	return m, nil
}

// unsubscribe tells the client nothing, as no server does (docs/protocol.md §3.9). A user's channel is left by signing out only, which is
// the end of the connection.
func (s *Server) unsubscribe(ctx context.Context, r request) error {
	d, err := r.SubscribeData()
	if err != nil || d.Channel.User() != "" {
		return err
	}
	if err := d.Channel.Validate(r.app.MaxChannelName); err != nil {
		return err
	}
	return s.Membership.Unsubscribe(ctx, r.app, r.c, d.Channel, r.t)
}
