package apigw_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"hark/shared/apigw"
	"hark/shared/pusher"
	"hark/shared/state"
)

func TestPost(t *testing.T) {
	for _, c := range []struct {
		name     string
		script   []int
		patience time.Duration
		want     error // nil, a sentinel, or errOther
		posts    int   // 0 stands for at least two
	}{
		{"200", []int{200}, long, nil, 1},
		{"204", []int{204}, long, nil, 1},
		{"400 for a malformed ID, which does not exist either", []int{400}, long, state.ErrGone, 1},
		{"410", []int{410}, long, state.ErrGone, 1},
		{"403 is our mistake and is not repeated", []int{403}, long, errOther, 1},
		{"413 is not repeated", []int{413}, long, errOther, 1},
		{"429, then 200", []int{429, 429, 200}, long, nil, 3},
		{"500, then 200", []int{500, 503, 200}, long, nil, 3},
		{"a reset, then 200", []int{reset, 200}, long, nil, 2},
		{"429, then 410", []int{429, 410}, long, state.ErrGone, 2},
		{"429 for ever", []int{429}, short, state.ErrBusy, 0},
		{"500 for ever", []int{500}, short, state.ErrBusy, 0},
		{"resets for ever", []int{reset}, short, state.ErrBusy, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGateway(t, c.script...)
			frame := []byte(`{"event":"e"}`)
			err := client(t, g.URL+"/prod", c.patience).Post(t.Context(), connection, frame)
			wantOutcome(t, err, c.want)
			last := strconv.Itoa(c.script[0])
			if errors.Is(err, state.ErrBusy) && c.script[0] != reset &&
				!strings.Contains(err.Error(), last) {
				t.Errorf("%v does not have the last answer", err)
			}
			got := g.requests()
			if c.posts == 0 && len(got) < 2 || c.posts > 0 && len(got) != c.posts {
				t.Errorf("%d posts: %q", len(got), got)
			}
			for _, r := range got {
				if want := `POST /prod/@connections/L0SM9cOFvHcCIhw%3D {"event":"e"}`; r != want {
					t.Errorf("got %s, want %s", r, want)
				}
			}
		})
	}
}

// errOther stands for an error that is neither ErrGone nor ErrBusy.
var errOther = errors.New("another error")

func wantOutcome(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(want, errOther) {
		if !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
		return
	}
	if err == nil || errors.Is(err, state.ErrGone) || errors.Is(err, state.ErrBusy) {
		t.Errorf("got %v, want an error of another kind", err)
	}
}

// A post whose answer has a broken body must not be repeated: the frame would be sent twice.
func TestPostDecidesByTheStatusAlone(t *testing.T) {
	var posts atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		posts.Add(1)
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "cut off")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(s.Close)
	err := client(t, s.URL, short).Post(t.Context(), connection, nil)
	if err != nil || posts.Load() != 1 {
		t.Errorf("%d posts, %v", posts.Load(), err)
	}
}

func TestPostEndsWithItsContext(t *testing.T) {
	for name, step := range map[string]int{"while it waits": 429, "while it is refused": 500} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, step)
			ctx, cancel := context.WithCancel(t.Context())
			g.check = func(*http.Request, []byte) {
				if len(g.requests()) == 1 {
					cancel()
				}
			}
			if err := client(t, g.URL, long).Post(ctx, connection, nil); err == nil {
				t.Error("no error")
			}
		})
	}
	t.Run("before it begins", func(t *testing.T) {
		g := newGateway(t, 200)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := client(t, g.URL, long).Post(ctx, connection, nil)
		if err == nil || len(g.requests()) != 0 {
			t.Errorf("got %v, %q", err, g.requests())
		}
	})
	t.Run("while the gateway does not answer", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			cancel()
			<-r.Context().Done() // the client has closed the connection
		}))
		t.Cleanup(s.Close)
		if err := client(t, s.URL, long).Post(ctx, connection, nil); err == nil {
			t.Error("no error")
		}
	})
}

// A client that takes its frames must be sent them even if other posts hold all slots for longer
// than patience.
func TestWaitingForASlotUsesUpNoPatience(t *testing.T) {
	g := newGateway(t, 200)
	const patience = time.Second
	c := client(t, g.URL, patience)
	for range postsAtOnce {
		release := c.Occupy()
		time.AfterFunc(patience+100*time.Millisecond, release)
	}
	if err := c.Post(t.Context(), connection, nil); err != nil {
		t.Error(err)
	}
}

func TestWaitingForASlotEndsWithTheContext(t *testing.T) {
	g := newGateway(t, 200)
	c := client(t, g.URL, short)
	for range postsAtOnce {
		t.Cleanup(c.Occupy())
	}
	ctx, cancel := context.WithTimeout(t.Context(), short)
	defer cancel()
	err := c.Post(ctx, connection, nil)
	if !errors.Is(err, context.DeadlineExceeded) || len(g.requests()) != 0 {
		t.Errorf("got %v, %q", err, g.requests())
	}
}

func TestClose(t *testing.T) {
	for _, c := range []struct {
		name string
		step int
		ok   bool
	}{
		{"204", 204, true},
		{"410 is closed already", 410, true},
		{"400 is closed already", 400, true},
		{"403", 403, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGateway(t, c.step)
			err := client(t, g.URL+"/prod/", long).Close(t.Context(), connection)
			if (err == nil) != c.ok {
				t.Error(err)
			}
			if got := g.requests(); got[0] != "DELETE /prod/@connections/L0SM9cOFvHcCIhw%3D " {
				t.Errorf("got %q", got)
			}
		})
	}
}

// A connection that is not closed would stay open without events, so a close is repeated as a post
// is.
func TestCloseIsRepeated(t *testing.T) {
	for name, step := range map[string]int{"429": 429, "500": 500, "a reset": reset} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, step, step, 204)
			if err := client(t, g.URL+"/prod", long).Close(t.Context(), connection); err != nil {
				t.Error(err)
			}
			if n := len(g.requests()); n != 3 {
				t.Errorf("%d requests, want 3", n)
			}
		})
	}
	t.Run("not for ever", func(t *testing.T) {
		g := newGateway(t, 429)
		err := client(t, g.URL+"/prod", short).Close(t.Context(), connection)
		if !errors.Is(err, state.ErrBusy) {
			t.Errorf("got %v", err)
		}
	})
}

func TestAlive(t *testing.T) {
	for _, c := range []struct {
		name      string
		step      int
		alive, ok bool
	}{
		{"200", 200, true, true},
		{"410", 410, false, true},
		{"400", 400, false, true},
		{"403", 403, false, false},
		{"500", 500, false, false},
		{"a reset", reset, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGateway(t, c.step)
			alive, err := client(t, g.URL+"/prod", long).Alive(t.Context(), connection)
			if alive != c.alive || (err == nil) != c.ok {
				t.Errorf("got %t, %v", alive, err)
			}
			if got := g.requests(); got[0] != "GET /prod/@connections/L0SM9cOFvHcCIhw%3D " {
				t.Errorf("got %q", got)
			}
		})
	}
}

// An ID is one segment of the path, whatever characters it has.
func TestTheConnectionIDIsEscapedInThePath(t *testing.T) {
	for id, want := range map[pusher.ConnectionID]string{
		"L0SM9cOFvHcCIhw=": "L0SM9cOFvHcCIhw%3D",
		"a+b/c==":          "a%2Bb%2Fc%3D%3D",
		"../../x?y#z%41":   "..%2F..%2Fx%3Fy%23z%2541",
		"_-":               "_-",
	} {
		t.Run(string(id), func(t *testing.T) {
			g := newGateway(t, 200)
			g.check = func(r *http.Request, body []byte) { authentic(t, r, body) }
			if err := client(t, g.URL+"/prod", long).Post(t.Context(), id, nil); err != nil {
				t.Fatal(err)
			}
			if got := g.requests()[0]; got != "POST /prod/@connections/"+want+" " {
				t.Errorf("got %q", got)
			}
		})
	}
}

// A TLS handshake costs more than a post. TCP connections are used again, even after an answer with
// a body and after an error.
func TestTCPConnectionsAreReused(t *testing.T) {
	t.Run("one after another", func(t *testing.T) {
		g := newGateway(t, 200, 410, 429, 200, 204)
		c := client(t, g.URL, long)
		for range 10 {
			err := c.Post(t.Context(), connection, nil)
			if err != nil && !errors.Is(err, state.ErrGone) {
				t.Fatal(err)
			}
		}
		if n := g.opened.Load(); n != 1 {
			t.Errorf("%d connections for %d posts", n, len(g.requests()))
		}
	})
	t.Run("as many as there are posts at once", func(t *testing.T) {
		g := newGateway(t, 200)
		c := client(t, g.URL, long)
		for range 3 { // rounds of posts that all wait for each other
			var round, posts sync.WaitGroup
			round.Add(postsAtOnce)
			g.check = func(*http.Request, []byte) { round.Done(); round.Wait() }
			for range postsAtOnce {
				posts.Go(func() {
					if err := c.Post(t.Context(), connection, nil); err != nil {
						t.Error(err)
					}
				})
			}
			posts.Wait()
		}
		if n := g.opened.Load(); n != postsAtOnce {
			t.Errorf("%d connections for %d posts at once", n, postsAtOnce)
		}
	})
}

func TestNewGatewayRefusesInvalidURLs(t *testing.T) {
	for _, url := range []string{"", "prod", "/prod", "://x", "http://"} {
		o := apigw.Options{URL: url, PostsAtOnce: postsAtOnce}
		if _, err := apigw.NewGateway(aws.Config{}, o); err == nil {
			t.Errorf("%q is accepted", url)
		}
	}
}

func TestNewGatewayRefusesLessThanOnePostAtOnce(t *testing.T) {
	for _, n := range []int{0, -1} {
		o := apigw.Options{URL: "https://api.example/prod", PostsAtOnce: n}
		if _, err := apigw.NewGateway(aws.Config{}, o); err == nil {
			t.Errorf("%d posts at once are accepted", n)
		}
	}
}

func TestPostFailsWithoutCredentials(t *testing.T) {
	g := newGateway(t, 200)
	broken := errors.New("no role")
	c, err := apigw.NewGateway(aws.Config{Region: region, Credentials: aws.CredentialsProviderFunc(
		func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, broken },
	)}, apigw.Options{URL: g.URL, PostsAtOnce: postsAtOnce, Patience: short})
	if err != nil {
		t.Fatal(err)
	}
	err = c.Post(t.Context(), connection, nil)
	if !errors.Is(err, broken) || len(g.requests()) != 0 {
		t.Errorf("got %v, %q", err, g.requests())
	}
}
