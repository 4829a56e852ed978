package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

// Apps finds an app; it fails with pusher.ErrNoApp if there is none.
type Apps interface {
	ByID(ctx context.Context, id string) (pusher.App, error)
}

// Publisher takes events over. Once it has returned nil they will be delivered.
type Publisher interface {
	Publish(ctx context.Context, broadcasts ...state.Broadcast) error
}

// State knows who is subscribed to what, which publishes had a key, and who is banned. A publish that asks for nothing and has no
// key does not touch it.
type State interface {
	// Channels returns the app's occupied channels whose names begin with the prefix; users' channels are none of them.
	Channels(ctx context.Context, app, prefix string) ([]pusher.Channel, error)
	// Occupied reports whether the channel has any subscription, perhaps an expired one.
	Occupied(ctx context.Context, app string, ch pusher.Channel) (bool, error)
	// Count counts the subscriptions that had not expired by then.
	Count(ctx context.Context, app string, ch pusher.Channel, now time.Time) (int, error)
	// Members returns all subscriptions to a presence channel, expired ones included, with their members.
	Members(ctx context.Context, app string, ch pusher.Channel) ([]state.Subscription, error)
	// Subscribers hands over the subscriptions that had not expired by then, in pages. Those of a user's channel are the connections
	// that are signed in as the user.
	Subscribers(ctx context.Context, app string, ch pusher.Channel, now time.Time, page func([]state.Subscription) error) error
	// Cached returns the channel's newest event that had not expired by then.
	Cached(ctx context.Context, app string, ch pusher.Channel, now time.Time) (state.Cached, error)
	// Once keeps a publish under its key for state.IdempotencyWindow, unless there is one that had not expired by now. It returns the one
	// that is kept.
	KeepPublish(ctx context.Context, p state.KeyedPublish, now time.Time) (state.KeyedPublish, error)
	// Ban keeps a user away until then, whatever was said before; a time that has passed lifts a ban.
	Ban(ctx context.Context, app, user string, until time.Time) error
}

// Gateway posts to connections and ends them.
type Gateway interface {
	// Post posts one frame. It fails with state.ErrGone if the connection is not there (any more).
	Post(ctx context.Context, id pusher.ConnectionID, frame []byte) error
	// Close closes the connection's socket; one that is gone already is no error.
	Close(ctx context.Context, id pusher.ConnectionID) error
}

// API serves the HTTP API.
type API struct {
	Apps      Apps
	Publisher Publisher
	State     State
	Gateway   Gateway
	Now       func() time.Time // time.Now if nil
	Log       *slog.Logger
}

// maxBody is what a function URL takes (docs/aws.md §B): a batch of the largest events, however an SDK escapes them.
const maxBody = 6 << 20

// request is what somebody who is entitled to it asks.
type request struct {
	app    pusher.App
	args   []string          // what the route leaves open, behind the app's ID
	params map[string]string // of the query, as they were signed
	header http.Header       // which is not signed
	body   []byte
}

// endpoint serves a verified request: it returns what is answered as JSON, or a refusal.
type endpoint func(ctx context.Context, r request) (any, error)

// serve answers a request to a route: JSON, or a short plain text, which the SDKs show to developers (docs/protocol.md §5.2).
func (a *API) serve(w http.ResponseWriter, r *http.Request, path string, args []string, to endpoint) {
	verified, err := a.verify(w, r, path, args)
	var body any
	if err == nil {
		body, err = to(r.Context(), verified)
	}
	if err == nil {
		reply(w, body)
		return
	}
	var refusal *pusher.HTTPError
	if !errors.As(err, &refusal) {
		a.Log.ErrorContext(r.Context(), "request failed", "path", path, "error", err)
		refusal = pusher.HTTPErrorf(http.StatusInternalServerError, "Internal server error")
	}
	http.Error(w, refusal.Message, refusal.Status)
}

// verify reads a request whose app is known and enabled and has signed it, in the order of docs/protocol.md §5.1. The first of the args is
// the app's ID.
func (a *API) verify(w http.ResponseWriter, r *http.Request, path string, args []string) (request, error) {
	id := args[0]
	app, err := a.app(r.Context(), id)
	if err != nil {
		return request{}, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return request{}, unread(err)
	}
	signed := pusher.SignedRequest{Method: r.Method, Path: path, RawQuery: r.URL.RawQuery, Body: body}
	if err := app.Verify(signed, a.now()); err != nil {
		a.Log.DebugContext(r.Context(), "request refused: not signed as it should be",
			"app", id, "to_sign", signed.Text())
		return request{}, err
	}
	return request{app: app, args: args[1:], params: signed.Params(), header: r.Header, body: body}, nil
}

// app is an app that may publish.
func (a *API) app(ctx context.Context, id string) (pusher.App, error) {
	app, err := a.Apps.ByID(ctx, id)
	switch {
	case errors.Is(err, pusher.ErrNoApp):
		return app, pusher.HTTPErrorf(http.StatusNotFound, "No matching application for ID [%.64s]", id)
	case err != nil:
		return app, err
	case app.Disabled:
		return app, pusher.HTTPErrorf(http.StatusForbidden, "Application %s is disabled", id)
	}
	return app, nil
}

// unread says why a body could not be read.
func unread(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return pusher.HTTPErrorf(http.StatusRequestEntityTooLarge, "Request body too large: the limit is %d bytes", large.Limit)
	}
	return pusher.HTTPErrorf(http.StatusBadRequest, "The request body ends too early")
}

func (a *API) now() time.Time {
	if a.Now != nil {
		return a.Now()
	}
	return time.Now()
}

// reply answers 200 with a JSON object, which is all that every SDK accepts (docs/protocol.md §5.2).
func reply(w http.ResponseWriter, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		http.Error(w, "Internal server error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // the function's answer: nothing can fail
}
