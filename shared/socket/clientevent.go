package socket

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"hark/shared/pusher"
	"hark/shared/state"
)

// clientEvent relays an event of a client to the others on its channel (docs/protocol.md §4). One that is not relayed for a reason of ours is
// lost, and the client is told; its connection, which has lost nothing else, stays open.
func (s *Server) clientEvent(ctx context.Context, r request) error {
	err := s.relay(ctx, r)
	var refusal *pusher.Error
	if err == nil || errors.As(err, &refusal) {
		return err
	}
	s.Log.ErrorContext(ctx, "client event not relayed", "app", r.app.ID, "channel", r.Channel, "connection", r.id, "error", err)
	return pusher.Errorf(pusher.CodeReconnect, "The event %.200s on %s could not be relayed", r.Event, r.Channel)
}

// relay checks the event, cheapest first, and publishes it. What is refused for another reason does not count towards the rate.
func (s *Server) relay(ctx context.Context, r request) error {
	if from := r.app.ClientEvents; from != pusher.ClientEventsMembers && from != pusher.ClientEventsAll {
		return pusher.Errorf(pusher.CodeRejected, "The app does not have client messaging enabled.")
	}
	if err := r.Channel.Validate(r.app.MaxChannelName); err != nil {
		return err
	}
	if n, limit := utf8.RuneCountInString(r.Event), r.app.MaxEventName; n > limit {
		return pusher.Errorf(pusher.CodeRejected, "The name of the event on %s is too long: %d characters, the limit is %d: %.60s...",
			r.Channel, n, limit, r.Event)
	}
	data := r.Text()
	if n, limit := len(data), r.app.MaxEventData; n > limit {
		return pusher.Errorf(pusher.CodeRejected, "The data of %s on %s is too large: %d bytes, the limit is %d", r.Event, r.Channel, n, limit)
	}
	user, err := s.author(ctx, r)
	if err != nil {
		return err
	}
	if limit := r.app.MaxClientEvents; limit >= 0 && s.exceeds(ctx, r, "client", time.Second, limit) {
		return pusher.Errorf(pusher.CodeRejected, "Rate limit exceeded: %s on %s is one of more than %d client events within a second",
			r.Event, r.Channel, limit)
	}
	err = s.Publisher.Publish(ctx, state.Event{
		App: r.app.ID, Channel: r.Channel, Except: r.id.SocketID(), Frame: pusher.ClientEvent(r.Event, r.Channel, data, user),
	})
	if err == nil && s.Webhooks != nil {
		s.notify(ctx, r, data, user)
	}
	return err
}

// notify has the app told of an event that is on its way to the others. Should that fail, the client is not told that its event was
// lost, which it was not: it would send it again.
func (s *Server) notify(ctx context.Context, r request, data, user string) {
	err := s.Webhooks.Notify(ctx, r.app, pusher.WebhookEvent{
		Name: pusher.WebhookClientEvent, Channel: r.Channel, Event: r.Event, Data: &data, SocketID: r.id.SocketID(), UserID: user,
	})
	if err != nil {
		s.Log.ErrorContext(ctx, "app not told of a client event", "app", r.app.ID, "channel", r.Channel, "connection", r.id, "error", err)
	}
}

// author returns whom the others read as the event's author: on a presence channel the member whom the sender is subscribed as, never
// whom the frame names. It refuses who may not send there: in Reverb's mode "all" everybody may, subscribed or not.
func (s *Server) author(ctx context.Context, r request) (userID string, err error) {
	all := r.app.ClientEvents == pusher.ClientEventsAll
	if all && !r.Channel.Presence() {
		return "", nil
	}
	if !r.Channel.Private() {
		return "", pusher.Errorf(pusher.CodeUnauthorized, "Client events are for private and presence channels, not for %s", r.Channel)
	}
	m, in, err := s.Membership.Subscribed(ctx, r.c, r.Channel)
	if err != nil || in {
		return m.UserID, err
	}
	if !all {
		return "", pusher.Errorf(pusher.CodeUnauthorized, "Cannot broadcast client event (connection not subscribed to channel %s)", r.Channel)
	}
	return "", nil
}
