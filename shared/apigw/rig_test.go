package apigw_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"hark/shared/apigw"
	"hark/shared/pusher"
)

const (
	connection = pusher.ConnectionID("L0SM9cOFvHcCIhw=")
	region     = "us-east-1"
	secretKey  = "secret"
)

// reset is a step in which the server closes the connection instead of answering.
const reset = -1

// gateway is a server that answers requests by a script, whose last step repeats.
type gateway struct {
	*httptest.Server
	mu     sync.Mutex
	script []int
	seen   []string     // method, path as it was sent, body
	opened atomic.Int64 // TCP connections
	check  func(*http.Request, []byte)
}

func newGateway(t *testing.T, script ...int) *gateway {
	t.Helper()
	g := &gateway{script: script}
	g.Server = httptest.NewUnstartedServer(http.HandlerFunc(g.serve))
	g.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			g.opened.Add(1)
		}
	}
	g.Start()
	t.Cleanup(g.Close)
	return g
}

func (g *gateway) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if g.check != nil {
		g.check(r, body)
	}
	g.mu.Lock()
	g.seen = append(g.seen, r.Method+" "+r.RequestURI+" "+string(body))
	step := g.script[0]
	if len(g.script) > 1 {
		g.script = g.script[1:]
	}
	g.mu.Unlock()
	if step == reset {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(step)
	if step != http.StatusNoContent {
		_, _ = io.WriteString(w, "{this is no JSON, like the body of AWS's 410}")
	}
}

func (g *gateway) requests() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.seen)
}

func client(t *testing.T, url string, patience time.Duration) *apigw.Gateway {
	t.Helper()
	cfg := aws.Config{
		Region: region,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: secretKey}, nil
		}),
	}
	c, err := apigw.NewGateway(cfg, apigw.Options{
		URL: url, PostsAtOnce: postsAtOnce, Patience: patience,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// postsAtOnce is how many posts the gateways of these tests may have under way.
const postsAtOnce = 10

// short is the patience of a post that is to fail, long of one that is not.
const (
	short = 50 * time.Millisecond
	long  = time.Minute
)
