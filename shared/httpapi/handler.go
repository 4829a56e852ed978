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

// Apps finds an app.
type Apps interface {
	// ByID fails with pusher.ErrNoApp if there is none.
	ByID(ctx context.Context, id string) (pusher.App, error)
}

// Publisher queues events for the subscribers of their channels.
type Publisher interface {
	// Publish queues messages. Once it has returned nil, they will be delivered.
	Publish(ctx context.Context, messages ...state.Broadcast) error
}

// State reads subscriptions and cached events, and keeps the keys of publishes and the bans of
// users. A publish without info and key calls none of it.
type State interface {
	// Channels returns the app's occupied channels whose names begin with the prefix, without
	// users' channels.
	Channels(ctx context.Context, app, prefix string) ([]pusher.Channel, error)
	// Occupied reports whether the channel has any subscription, perhaps an expired one.
	Occupied(ctx context.Context, app string, ch pusher.Channel) (bool, error)
	// Count counts the subscriptions that had not expired at now.
	Count(ctx context.Context, app string, ch pusher.Channel, now time.Time) (int, error)
	// Members returns all subscriptions to a presence channel, expired ones too, with their
	// members.
	Members(ctx context.Context, app string, ch pusher.Channel) ([]state.Subscription, error)
	// Subscribers hands over the subscriptions that had not expired at now, in pages. Those of a
	// user's channel are the connections that are signed in as the user.
	Subscribers(
		ctx context.Context, app string, ch pusher.Channel, now time.Time,
		page func([]state.Subscription) error,
	) error
	// Cached returns the channel's newest event if it had not expired at now.
	Cached(
		ctx context.Context, app string, ch pusher.Channel, now time.Time,
	) (state.Cached, error)
	// KeepPublish keeps a publish under its key for state.IdempotencyWindow, unless another one had
	// not expired at now. It returns the one that is kept.
	KeepPublish(
		ctx context.Context, p state.KeyedPublish, now time.Time,
	) (state.KeyedPublish, error)
	// Ban bans a user until that time and replaces an earlier ban. A time in the past lifts it.
	Ban(ctx context.Context, app, user string, until time.Time) error
}

// Gateway posts to connections and ends them.
type Gateway interface {
	// Post posts one frame. It fails with state.ErrGone if the connection does not exist.
	Post(ctx context.Context, id pusher.ConnectionID, frame []byte) error
	// Close ends a connection. It is no error if the connection is gone already.
	Close(ctx context.Context, id pusher.ConnectionID) error
}

// API serves the HTTP API. It is safe for concurrent use.
type API struct {
	Apps      Apps
	Publisher Publisher
	State     State
	Gateway   Gateway
	Now       func() time.Time // time.Now if nil
	Log       *slog.Logger
}

// maxBody is the largest request to a function URL, in bytes (docs/aws.md §B). A batch of the
// largest events fits, however an SDK escapes them.
const maxBody = 6 << 20

// request is a verified request.
type request struct {
	app    pusher.App
	args   []string          // the path's segments that the route has a * for, without the app's ID
	params map[string]string // of the query, as they were signed
	header http.Header       // not signed
	body   []byte
}

// endpoint serves a request. It returns the answer, which is sent as JSON, or an error.
type endpoint func(ctx context.Context, r request) (any, error)

// serve answers a request to a route: with JSON, or with a short plain text, which the SDKs show to
// developers (docs/protocol.md §5.2).
func (a *API) serve(
	w http.ResponseWriter, r *http.Request, path string, args []string, call endpoint,
) {
	verified, err := a.verify(w, r, path, args)
	var body any
	if err == nil {
		body, err = call(r.Context(), verified)
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

// verify reads a request and refuses it unless its app exists, is enabled and has signed it. It
// checks in the order of docs/protocol.md §5.1. The first of the args is the app's ID.
func (a *API) verify(
	w http.ResponseWriter, r *http.Request, path string, args []string,
) (request, error) {
	id := args[0]
	app, err := a.app(r.Context(), id)
	if err != nil {
		return request{}, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return request{}, unreadable(err)
	}
	signed := pusher.SignedRequest{
		Method: r.Method, Path: path, RawQuery: r.URL.RawQuery, Body: body,
	}
	if err := app.Verify(signed, a.now()); err != nil {
		a.Log.DebugContext(r.Context(), "request refused: not signed as it should be",
			"app", id, "to_sign", signed.Text())
		return request{}, err
	}
	return request{
		app: app, args: args[1:], params: signed.Params(), header: r.Header, body: body,
	}, nil
}

// app returns an app that may publish.
func (a *API) app(ctx context.Context, id string) (pusher.App, error) {
	app, err := a.Apps.ByID(ctx, id)
	switch {
	case errors.Is(err, pusher.ErrNoApp):
		return app, pusher.HTTPErrorf(http.StatusNotFound,
			"No matching application for ID [%.64s]", id)
	case err != nil:
		return app, err
	case app.Disabled:
		return app, pusher.HTTPErrorf(http.StatusForbidden, "Application %s is disabled", id)
	}
	return app, nil
}

// unreadable returns the refusal of a request whose body could not be read.
func unreadable(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return tooLargef("Request body too large: the limit is %d bytes", large.Limit)
	}
	return badRequestf("The request body ends too early")
}

func (a *API) now() time.Time {
	if a.Now != nil {
		return a.Now()
	}
	return time.Now()
}

// reply answers 200 with a JSON object: every SDK accepts that (docs/protocol.md §5.2).
func reply(w http.ResponseWriter, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		http.Error(w, "Internal server error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // a publisher that has gone needs no answer
}
