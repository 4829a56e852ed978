package apigw

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"hark/shared/pusher"
	"hark/shared/state"
)

// Gateway posts frames to connections and closes them, by the @connections API. It signs and sends
// its requests itself. The SDK's client decides by the body of an error, which is not always JSON,
// and waits a second or more when a client's socket buffer is full
// (docs/decisions/0018-signed-posts.md). Gateway is safe for concurrent use.
type Gateway struct {
	base     *url.URL
	region   string
	creds    aws.CredentialsProvider
	signer   *v4.Signer
	client   *http.Client
	slots    chan struct{} // holds an element for each request under way
	patience time.Duration
}

// Options of NewGateway.
type Options struct {
	// URL is the stage's: https://{api}.execute-api.{region}.amazonaws.com/{stage}
	URL string
	// PostsAtOnce is how many requests may be under way at once, at least 1. A post that waits for
	// its next try does not count (docs/decisions/0033-posts-at-once.md).
	PostsAtOnce int
	// Patience is how long a post is repeated that is answered 429 or 5xx, or not at all; 3 s if 0.
	// The time in which it waits for a slot does not count (docs/decisions/0035-patience.md).
	Patience time.Duration
}

const (
	// postPatience is Patience if it is not set. A client misses the events in hand after it.
	postPatience = 3 * time.Second
	// requestTimeout is less than postPatience, so that a request that is not answered is repeated.
	requestTimeout = time.Second
	// The pause between two tries of a post is firstPause, then twice as long each time.
	firstPause   = 10 * time.Millisecond
	longestPause = 500 * time.Millisecond
	// idleTimeout is how long a pooled connection may be idle. One that was idle for longer
	// probably died while the function was frozen.
	idleTimeout = 30 * time.Second
)

// NewGateway returns a Gateway. It fails if the URL has no host or PostsAtOnce is less than 1.
func NewGateway(cfg aws.Config, o Options) (*Gateway, error) {
	base, err := url.Parse(strings.TrimSuffix(o.URL, "/"))
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("callback URL %q is not a URL", o.URL)
	}
	if o.PostsAtOnce < 1 {
		return nil, fmt.Errorf("%d posts at once, there must be at least 1", o.PostsAtOnce)
	}
	if o.Patience == 0 {
		o.Patience = postPatience
	}
	return &Gateway{
		base: base, region: cfg.Region, creds: cfg.Credentials, signer: v4.NewSigner(),
		patience: o.Patience,
		slots:    make(chan struct{}, o.PostsAtOnce),
		client: &http.Client{Timeout: requestTimeout, Transport: &http.Transport{
			DialContext: (&net.Dialer{
				Timeout: requestTimeout, KeepAlive: 15 * time.Second,
			}).DialContext,
			MaxIdleConns:        o.PostsAtOnce,
			MaxIdleConnsPerHost: o.PostsAtOnce,
			IdleConnTimeout:     idleTimeout,
			TLSHandshakeTimeout: requestTimeout,
			DisableCompression:  true,
		}},
	}, nil
}

// Post posts one frame. It fails with state.ErrGone if the connection does not exist, and with
// state.ErrBusy if no try within Patience succeeded. A post that is not answered is repeated, so a
// frame may arrive twice.
func (g *Gateway) Post(ctx context.Context, id pusher.ConnectionID, frame []byte) error {
	return g.repeat(ctx, http.MethodPost, id, frame)
}

// Close closes the connection. It succeeds if the connection does not exist, and is repeated as a
// post is.
func (g *Gateway) Close(ctx context.Context, id pusher.ConnectionID) error {
	if err := g.repeat(ctx, http.MethodDelete, id, nil); !errors.Is(err, state.ErrGone) {
		return err
	}
	return nil
}

// repeat makes a request until it is answered with another status than 429 and 5xx, or patience is
// used up. Waiting for a slot uses up none of it, because other clients' posts are not this
// client's fault.
func (g *Gateway) repeat(
	ctx context.Context, method string, id pusher.ConnectionID, body []byte,
) error {
	left := g.patience
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		status, took, err := g.do(ctx, left, method, id, body)
		if err == nil {
			err = outcome(id, status)
			if status != http.StatusTooManyRequests && status < http.StatusInternalServerError {
				return err
			}
		}
		pause = min(pause, left-took)
		left -= took + pause
		select {
		case <-ctx.Done():
			left = 0
		case <-time.After(pause):
		}
		if left <= 0 {
			return fmt.Errorf("%s %s: %w: %w", method, id, state.ErrBusy, err)
		}
	}
}

// Alive asks API Gateway whether the connection exists.
func (g *Gateway) Alive(ctx context.Context, id pusher.ConnectionID) (bool, error) {
	status, _, err := g.do(ctx, requestTimeout, http.MethodGet, id, nil)
	if err != nil {
		return false, err
	}
	err = outcome(id, status)
	if errors.Is(err, state.ErrGone) {
		return false, nil
	}
	return err == nil, err
}

// outcome returns what a status says. 400 means that the ID is malformed, so no such connection can
// exist.
func outcome(id pusher.ConnectionID, status int) error {
	switch status {
	case http.StatusOK, http.StatusNoContent:
		return nil
	case http.StatusGone, http.StatusBadRequest:
		return state.ErrGone
	default:
		return fmt.Errorf("@connections/%s answered %d %s", id, status, http.StatusText(status))
	}
}

// do waits for a slot and makes one signed request, which may take as long as limit. It returns the
// answer's status, and how long the request took without the wait.
func (g *Gateway) do(
	ctx context.Context, limit time.Duration,
	method string, id pusher.ConnectionID, body []byte,
) (status int, took time.Duration, err error) {
	select {
	case g.slots <- struct{}{}:
		defer func() { <-g.slots }()
	case <-ctx.Done():
		return 0, 0, ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	began := time.Now()
	status, err = g.request(ctx, method, id, body)
	return status, time.Since(began), err
}

// request makes one signed request and returns the answer's status.
func (g *Gateway) request(
	ctx context.Context, method string, id pusher.ConnectionID, body []byte,
) (int, error) {
	req, err := http.NewRequestWithContext(ctx, method, g.base.String(), bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("%s @connections: %w", method, err)
	}
	path := g.base.Path + "/@connections/"
	req.URL.Path = path + string(id)
	req.URL.RawPath = path + url.QueryEscape(string(id)) // an ID ends with =, which is sent as %3D
	if err := g.sign(ctx, req, body); err != nil {
		return 0, err
	}
	res, err := g.client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("%s @connections: %w", method, err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, res.Body) // otherwise the TCP connection would not be used again
	return res.StatusCode, nil
}

func (g *Gateway) sign(ctx context.Context, req *http.Request, body []byte) error {
	creds, err := g.creds.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("credentials: %w", err)
	}
	sum := sha256.Sum256(body)
	digest := hex.EncodeToString(sum[:])
	err = g.signer.SignHTTP(ctx, creds, req, digest, "execute-api", g.region, time.Now())
	if err != nil {
		return fmt.Errorf("sign %s @connections: %w", req.Method, err)
	}
	return nil
}
