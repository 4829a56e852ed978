package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
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

// Counter counts the connections that are subscribed to a channel.
type Counter interface {
	Count(ctx context.Context, app string, ch pusher.Channel, now time.Time) (int, error)
}

// API serves the HTTP API.
type API struct {
	Apps      Apps
	Publisher Publisher
	Counter   Counter
	Now       func() time.Time // time.Now if nil
	Log       *slog.Logger
}

// maxBody is what a request may have: 100 channels with the longest names, and the largest event many times over.
const maxBody = 1 << 20

// Handler returns the routes. Answers are JSON, refusals short plain text, which the SDKs show to developers (protocol.md §5.2).
// Whatever a stage or a proxy puts in front of /apps is neither routed nor signed.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /up", func(w http.ResponseWriter, _ *http.Request) { reply(w, map[string]string{"health": "OK"}) })
	mux.HandleFunc("POST /apps/{app}/events", a.signed(a.events))
	return withoutPrefix(mux)
}

// withoutPrefix cuts off what precedes /apps/ in the path.
func withoutPrefix(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if i := strings.Index(r.URL.Path, "/apps/"); i > 0 {
			http.StripPrefix(r.URL.Path[:i], next).ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// refusal is an answer other than 200.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

func refuse(status int, format string, args ...any) error {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

// endpoint serves a verified request: it returns what is answered as JSON, or a refusal.
type endpoint func(ctx context.Context, app pusher.App, body []byte) (any, error)

// signed serves a request whose app is known and enabled and has signed it, in the order of protocol.md §5.1.
func (a *API) signed(serve endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := a.verify(w, r, serve)
		if err == nil {
			reply(w, body)
			return
		}
		var no *refusal
		if !errors.As(err, &no) {
			a.Log.ErrorContext(r.Context(), "request failed", "path", r.URL.Path, "error", err)
			no = &refusal{http.StatusInternalServerError, "Internal server error"}
		}
		http.Error(w, no.text, no.status)
	}
}

func (a *API) verify(w http.ResponseWriter, r *http.Request, serve endpoint) (any, error) {
	id := r.PathValue("app")
	app, err := a.Apps.ByID(r.Context(), id)
	switch {
	case errors.Is(err, pusher.ErrNoApp):
		return nil, refuse(http.StatusNotFound, "No matching application for ID [%.64s]", id)
	case err != nil:
		return nil, err
	case app.Disabled:
		return nil, refuse(http.StatusForbidden, "Application %s is disabled", id)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, refuse(http.StatusRequestEntityTooLarge, "Request body too large: the limit is %d bytes", maxBody)
	}
	err = app.Verify(pusher.SignedRequest{Method: r.Method, Path: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery, Body: body}, a.now())
	var no *pusher.Error
	if errors.As(err, &no) {
		return nil, refuse(http.StatusUnauthorized, "%s", no.Message)
	}
	return serve(r.Context(), app, body)
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
