package socket_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"hark/shared/pusher"
	"hark/shared/settings"
)

const connection = pusher.ConnectionID("L0SM9cOFvHcCIhw=")

// app returns an app with the credentials of docs/protocol.md §3.2 and changed settings.
func app(change ...func(*pusher.Settings)) pusher.App {
	a := pusher.App{
		ID: "3", Key: "278d425bdf160c739803", Secret: "7ad3773142a6692b25b8",
		Settings: settings.Default(),
	}
	for _, c := range change {
		c(&a.Settings)
	}
	return a
}

// sign returns the auth string with which the app's own server signs the text.
func sign(text string) string { return app().Key + ":" + app().Sign(text) }

// apps has all apps, or fails.
type apps struct {
	all []pusher.App
	err error
}

// only returns apps with this one alone.
func only(a pusher.App) apps { return apps{all: []pusher.App{a}} }

func (a apps) find(match func(pusher.App) bool) (pusher.App, error) {
	if a.err != nil {
		return pusher.App{}, a.err
	}
	if i := slices.IndexFunc(a.all, match); i >= 0 {
		return a.all[i], nil
	}
	return pusher.App{}, pusher.ErrNoApp
}

func (a apps) ByKey(_ context.Context, key string) (pusher.App, error) {
	return a.find(func(app pusher.App) bool { return app.Key == key })
}

func (a apps) ByID(_ context.Context, id string) (pusher.App, error) {
	return a.find(func(app pusher.App) bool { return app.ID == id })
}

// gateway records what a client is sent: frames, and "closed".
type gateway struct {
	got      []string
	send     func(n int) error // what the nth post fails with; nil if nil
	posts    int
	closeErr error
}

func (g *gateway) Post(ctx context.Context, id pusher.ConnectionID, frame []byte) error {
	g.posts++
	if err := ctx.Err(); err != nil {
		return err
	}
	if g.send != nil {
		if err := g.send(g.posts); err != nil {
			return err
		}
	}
	if id != connection {
		g.got = append(g.got, "to another connection: "+string(id))
	}
	g.got = append(g.got, string(frame))
	return nil
}

func (g *gateway) Alive(context.Context, pusher.ConnectionID) (bool, error) { return true, nil }

func (g *gateway) Close(_ context.Context, id pusher.ConnectionID) error {
	g.got = append(g.got, strings.TrimSuffix("closed "+string(id), " "+string(connection)))
	return g.closeErr
}

// has asserts what the client was sent.
func (g *gateway) wasSent(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(g.got, want) {
		t.Errorf("got\n %s\nwant\n %s", strings.Join(g.got, "\n "), strings.Join(want, "\n "))
	}
}

// errorFrame asserts that a text is a pusher:error with a code (docs/protocol.md §2.5).
func errorFrame(t *testing.T, text string, code int) {
	t.Helper()
	var f struct {
		Event string
		Data  struct {
			Code    int
			Message *string
		}
	}
	err := json.Unmarshal([]byte(text), &f)
	complete := err == nil && f.Event == "pusher:error" && f.Data.Message != nil
	if !complete || f.Data.Code != code {
		t.Errorf("got %s, %v; want pusher:error %d", text, err, code)
	}
	if strings.Contains(text, app().Secret) || strings.Contains(text, "inner-text") {
		t.Errorf("the client is sent internals: %s", text)
	}
}

func logged() (*slog.Logger, *bytes.Buffer) {
	var b bytes.Buffer
	return slog.New(slog.NewTextHandler(&b, nil)), &b
}

// quiet is a gateway that drops every frame; it is safe for concurrent use.
type quiet struct{}

func (quiet) Post(context.Context, pusher.ConnectionID, []byte) error { return nil }
func (quiet) Close(context.Context, pusher.ConnectionID) error        { return nil }
