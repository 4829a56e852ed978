package socket

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"hark/shared/pusher"
	"hark/shared/state"
)

// clientEvent publishes a client event to the channel's other subscribers (docs/protocol.md §4). An
// internal error loses the event. The client is sent an error then, and its connection stays open,
// because nothing else is lost.
func (s *Server) clientEvent(ctx context.Context, r request) error {
	err := s.relay(ctx, r)
	var refusal *pusher.Error
	if err == nil || errors.As(err, &refusal) {
		return err
	}
	s.Log.ErrorContext(ctx, "client event not relayed",
		"app", r.app.ID, "channel", r.Channel, "connection", r.id, "error", err)
	return pusher.Errorf(pusher.CodeReconnect,
		"The event %.200s on %s could not be relayed", r.Event, r.Channel)
}

// relay checks the event and publishes it. The checks are ordered by cost; the rate comes last, so
// that an event which is refused for another reason does not count.
func (s *Server) relay(ctx context.Context, r request) error {
	data, err := checkedData(r)
	if err != nil {
		return err
	}
	user, err := s.author(ctx, r)
	if err != nil {
		return err
	}
	limit := r.app.MaxClientEvents
	if limit >= 0 && s.exceeds(ctx, r, "client", time.Second, limit) {
		return pusher.Errorf(pusher.CodeRejected,
			"Rate limit exceeded: %s on %s is one of more than %d client events within a second",
			r.Event, r.Channel, limit)
	}
	err = s.Publisher.Publish(ctx, state.Event{
		App: r.app.ID, Channel: r.Channel, Except: r.id.SocketID(),
		Frame: pusher.ClientEvent(r.Event, r.Channel, data, user),
	})
	if err == nil && s.Webhooks != nil {
		s.notify(ctx, r, data, user)
	}
	return err
}

// checkedData returns the event's data. It refuses an event that exceeds the app's limits.
func checkedData(r request) (string, error) {
	from := r.app.ClientEvents
	if from != pusher.ClientEventsMembers && from != pusher.ClientEventsAll {
		return "", pusher.Errorf(pusher.CodeRejected,
			"The app does not have client messaging enabled.")
	}
	if err := r.Channel.Validate(r.app.MaxChannelName); err != nil {
		return "", err
	}
	if n, limit := utf8.RuneCountInString(r.Event), r.app.MaxEventName; n > limit {
		return "", pusher.Errorf(pusher.CodeRejected, "The name of the event on %s is too long: "+
			"%d characters, the limit is %d: %.60s...", r.Channel, n, limit, r.Event)
	}
	data := r.Text()
	if n, limit := len(data), r.app.MaxEventData; n > limit {
		return "", pusher.Errorf(pusher.CodeRejected,
			"The data of %s on %s is too large: %d bytes, the limit is %d",
			r.Event, r.Channel, n, limit)
	}
	return data, nil
}

// notify sends the app's webhooks an event that has been published. An error is only logged: if the
// client were sent one, it would publish the event again.
func (s *Server) notify(ctx context.Context, r request, data, user string) {
	err := s.Webhooks.Notify(ctx, r.app, pusher.WebhookEvent{
		Name: pusher.WebhookClientEvent, Channel: r.Channel, Event: r.Event, Data: &data,
		SocketID: r.id.SocketID(), UserID: user,
	})
	if err != nil {
		s.Log.ErrorContext(ctx, "webhook event of a client event not queued",
			"app", r.app.ID, "channel", r.Channel, "connection", r.id, "error", err)
	}
}

// author returns the user ID that subscribers are sent with the event: on a presence channel that
// of the member that the connection is, never one that the frame names. It refuses a connection
// that is not subscribed to the channel. In Reverb's mode "all" it refuses none.
func (s *Server) author(ctx context.Context, r request) (userID string, err error) {
	all := r.app.ClientEvents == pusher.ClientEventsAll
	if all && !r.Channel.Presence() {
		return "", nil
	}
	if !r.Channel.Private() {
		return "", pusher.Errorf(pusher.CodeUnauthorized,
			"Client events are for private and presence channels, not for %s", r.Channel)
	}
	m, on, err := s.Membership.Subscribed(ctx, r.connection, r.Channel)
	if err != nil || on {
		return m.UserID, err
	}
	if !all {
		return "", pusher.Errorf(pusher.CodeUnauthorized,
			"Cannot broadcast client event (connection not subscribed to channel %s)", r.Channel)
	}
	return "", nil
}
