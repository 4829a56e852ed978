package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"hark/shared/pusher"
)

// Apps finds an app; it fails with pusher.ErrNoApp if there is none.
type Apps interface {
	ByID(ctx context.Context, id string) (pusher.App, error)
}

// Publisher takes events over. Once it has returned nil they will be delivered.
type Publisher interface {
	Publish(ctx context.Context, broadcasts ...pusher.Broadcast) error
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
	Members(ctx context.Context, app string, ch pusher.Channel) ([]pusher.Subscription, error)
	// Subscribers hands over the subscriptions that had not expired by then, in pages. Those of a user's channel are the connections
	// that are signed in as the user.
	Subscribers(ctx context.Context, app string, ch pusher.Channel, now time.Time, page func([]pusher.Subscription) error) error
	// Cached returns the channel's newest event that had not expired by then.
	Cached(ctx context.Context, app string, ch pusher.Channel, now time.Time) (pusher.Cached, error)
	// Once keeps a publish under its key for pusher.OnceFor, unless there is one that had not expired by now. It returns the one
	// that is kept.
	Once(ctx context.Context, o pusher.Once, now time.Time) (pusher.Once, error)
	// Ban keeps a user away until then, whatever was said before; a time that has passed lifts a ban.
	Ban(ctx context.Context, app, user string, until time.Time) error
}

// Sockets posts to connections and ends them.
type Sockets interface {
	// Send posts one frame. It fails with pusher.ErrGone if the connection is not there (any more).
	Send(ctx context.Context, id pusher.ConnectionID, frame []byte) error
	// Close closes the connection's socket; one that is gone already is no error.
	Close(ctx context.Context, id pusher.ConnectionID) error
}

// API serves the HTTP API.
type API struct {
	Apps      Apps
	Publisher Publisher
	State     State
	Sockets   Sockets
	Now       func() time.Time // time.Now if nil
	Log       *slog.Logger
}

// maxBody is what a function URL takes (aws-facts.md §B): a batch of the largest events, however an SDK escapes them.
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

// refusal is an answer other than 200.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

func refuse(status int, format string, args ...any) error {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

// asError turns a refusal into the one that other packages know.
func asError(err error) error {
	var no *refusal
	if errors.As(err, &no) {
		return pusher.Errorf(no.status, "%s", no.text)
	}
	return err
}

// serve answers a request to a route: JSON, or a short plain text, which the SDKs show to developers (protocol.md §5.2).
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
	var no *refusal
	if !errors.As(err, &no) {
		a.Log.ErrorContext(r.Context(), "request failed", "path", path, "error", err)
		no = &refusal{http.StatusInternalServerError, "Internal server error"}
	}
	http.Error(w, no.text, no.status)
}

// verify reads a request whose app is known and enabled and has signed it, in the order of protocol.md §5.1. The first of the args is
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
	err = app.Verify(signed, a.now())
	var no *pusher.Error
	if errors.As(err, &no) {
		a.Log.DebugContext(r.Context(), "request refused: not signed as it should be", "app", id, "to_sign", signed.Text())
		return request{}, refuse(http.StatusUnauthorized, "%s", no.Message)
	}
	return request{app: app, args: args[1:], params: signed.Params(), header: r.Header, body: body}, err
}

// app is an app that may publish.
func (a *API) app(ctx context.Context, id string) (pusher.App, error) {
	app, err := a.Apps.ByID(ctx, id)
	switch {
	case errors.Is(err, pusher.ErrNoApp):
		return app, refuse(http.StatusNotFound, "No matching application for ID [%.64s]", id)
	case err != nil:
		return app, err
	case app.Disabled:
		return app, refuse(http.StatusForbidden, "Application %s is disabled", id)
	}
	return app, nil
}

// unread says why a body could not be read.
func unread(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return refuse(http.StatusRequestEntityTooLarge, "Request body too large: the limit is %d bytes", large.Limit)
	}
	return refuse(http.StatusBadRequest, "The request body ends too early")
}

func (a *API) now() time.Time {
	if a.Now != nil {
		return a.Now()
	}
	return time.Now()
}

// reply answers 200 with a JSON object, which is all that every SDK accepts (protocol.md §5.2).
func reply(w http.ResponseWriter, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		http.Error(w, "Internal server error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // the function's answer: nothing can fail
}
