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
)

const connection = pusher.ConnectionID("L0SM9cOFvHcCIhw=")

// app has the credentials of protocol.md §3.2 and changes no setting, unless it is told to.
func app(change ...func(*pusher.Settings)) pusher.App {
	a := pusher.App{ID: "3", Key: "278d425bdf160c739803", Secret: "7ad3773142a6692b25b8", Settings: pusher.DefaultSettings()}
	for _, c := range change {
		c(&a.Settings)
	}
	return a
}

// sign is what the app's own server answers a client that asks for a signature.
func sign(text string) string { return app().Key + ":" + app().Sign(text) }

// apps are the apps there are, or an error.
type apps struct {
	all []pusher.App
	err error
}

// only are apps of which there is one.
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

// sender notes what a client is sent: frames, and "closed".
type sender struct {
	got      []string
	send     func(n int) error // what the nth post fails with; nil if nil
	posts    int
	closeErr error
}

func (s *sender) Send(ctx context.Context, id pusher.ConnectionID, frame []byte) error {
	s.posts++
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.send != nil {
		if err := s.send(s.posts); err != nil {
			return err
		}
	}
	if id != connection {
		s.got = append(s.got, "to another connection: "+string(id))
	}
	s.got = append(s.got, string(frame))
	return nil
}

func (s *sender) Close(_ context.Context, id pusher.ConnectionID) error {
	s.got = append(s.got, strings.TrimSuffix("closed "+string(id), " "+string(connection)))
	return s.closeErr
}

// has asserts what the client was sent.
func (s *sender) has(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(s.got, want) {
		t.Errorf("got\n %s\nwant\n %s", strings.Join(s.got, "\n "), strings.Join(want, "\n "))
	}
}

// errorFrame asserts that a text is a pusher:error with a code (protocol.md §2).
func errorFrame(t *testing.T, text string, code int) {
	t.Helper()
	var f struct {
		Event string
		Data  struct {
			Code    int
			Message *string
		}
	}
	if err := json.Unmarshal([]byte(text), &f); err != nil || f.Event != "pusher:error" || f.Data.Code != code || f.Data.Message == nil {
		t.Errorf("got %s, %v; want pusher:error %d", text, err, code)
	}
	if strings.Contains(text, app().Secret) || strings.Contains(text, "inner-text") {
		t.Errorf("the client is told too much: %s", text)
	}
}

func logged() (*slog.Logger, *bytes.Buffer) {
	var b bytes.Buffer
	return slog.New(slog.NewTextHandler(&b, nil)), &b
}

// quiet is a sender for whom nobody listens; it is safe for concurrent use.
type quiet struct{}

func (quiet) Send(context.Context, pusher.ConnectionID, []byte) error { return nil }
func (quiet) Close(context.Context, pusher.ConnectionID) error        { return nil }
