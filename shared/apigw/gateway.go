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

// Gateway speaks to the @connections API. It signs and sends its requests itself, because the SDK's client decides by the
// error's body, which is not always JSON, and retries a full socket buffer as slowly as a throttled control plane
// (docs/aws.md §A5). It is safe for concurrent use.
type Gateway struct {
	base     *url.URL
	region   string
	creds    aws.CredentialsProvider
	signer   *v4.Signer
	client   *http.Client
	slots    chan struct{} // one for each request under way
	patience time.Duration
}

// Options of NewGateway.
type Options struct {
	URL         string        // of the stage: https://{api}.execute-api.{region}.amazonaws.com/{stage}
	PostsAtOnce int           // requests under way at once; 10 if 0. Who waits for another try takes none of them
	Patience    time.Duration // for which a post is repeated that was answered 429 or 5xx, or not at all, its turns aside; 3 s if 0
}

// Timings of posts. A pooled connection that idled longer than this died while the function was frozen.
const (
	defaultPatience = 3 * time.Second
	firstPause      = 10 * time.Millisecond
	longestPause    = 500 * time.Millisecond
	idleConnections = 30 * time.Second
	postTimeout     = time.Second // less than patience, so that a post that is not answered is repeated
)

// NewGateway returns a client for the stage's connections. It fails if the URL cannot be one.
func NewGateway(cfg aws.Config, o Options) (*Gateway, error) {
	base, err := url.Parse(strings.TrimSuffix(o.URL, "/"))
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("callback URL %q is not a URL", o.URL)
	}
	if o.PostsAtOnce == 0 {
		o.PostsAtOnce = 10
	}
	if o.Patience == 0 {
		o.Patience = defaultPatience
	}
	return &Gateway{
		base: base, region: cfg.Region, creds: cfg.Credentials, signer: v4.NewSigner(), patience: o.Patience,
		slots: make(chan struct{}, o.PostsAtOnce),
		client: &http.Client{Timeout: postTimeout, Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: time.Second, KeepAlive: 15 * time.Second}).DialContext,
			MaxIdleConns:        o.PostsAtOnce,
			MaxIdleConnsPerHost: o.PostsAtOnce,
			IdleConnTimeout:     idleConnections,
			TLSHandshakeTimeout: time.Second,
			DisableCompression:  true,
		}},
	}, nil
}

// Post posts one frame. It fails with state.ErrGone if the connection is not there, and with state.ErrBusy if it took nothing
// for as long as patience lasts. A post that was not answered is repeated, so that a frame may arrive twice.
func (g *Gateway) Post(ctx context.Context, id pusher.ConnectionID, frame []byte) error {
	return g.insist(ctx, http.MethodPost, id, frame)
}

// Close ends the connection; one that is gone already is no error. It is tried for as long as a post is.
func (g *Gateway) Close(ctx context.Context, id pusher.ConnectionID) error {
	if err := g.insist(ctx, http.MethodDelete, id, nil); !errors.Is(err, state.ErrGone) {
		return err
	}
	return nil
}

// insist makes a request until it is answered by something else than 429 and 5xx, or patience is over. Waiting for a turn takes none
// of it: the others' posts are not this client's fault.
func (g *Gateway) insist(ctx context.Context, method string, id pusher.ConnectionID, body []byte) error {
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

// Alive asks whether the connection is there.
func (g *Gateway) Alive(ctx context.Context, id pusher.ConnectionID) (bool, error) {
	status, _, err := g.do(ctx, postTimeout, http.MethodGet, id, nil)
	if err != nil {
		return false, err
	}
	err = outcome(id, status)
	if errors.Is(err, state.ErrGone) {
		return false, nil
	}
	return err == nil, err
}

// outcome reads an answer by its status alone. A malformed ID (400) is as dead as one that has gone.
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

// do makes one signed request, when it is its turn, and returns the answer's status and what it took without the wait for the turn.
func (g *Gateway) do(
	ctx context.Context, limit time.Duration, method string, id pusher.ConnectionID, body []byte,
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
func (g *Gateway) request(ctx context.Context, method string, id pusher.ConnectionID, body []byte) (int, error) {
	req, err := http.NewRequestWithContext(ctx, method, g.base.String(), bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("%s @connections: %w", method, err)
	}
	path := g.base.Path + "/@connections/"
	req.URL.Path, req.URL.RawPath = path+string(id), path+url.QueryEscape(string(id)) // an ID ends in =, which is signed as %3D
	creds, err := g.creds.Retrieve(ctx)
	if err != nil {
		return 0, fmt.Errorf("credentials: %w", err)
	}
	sum := sha256.Sum256(body)
	if err := g.signer.SignHTTP(ctx, creds, req, hex.EncodeToString(sum[:]), "execute-api", g.region, time.Now()); err != nil {
		return 0, fmt.Errorf("sign %s @connections: %w", method, err)
	}
	res, err := g.client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("%s @connections: %w", method, err)
	}
	defer func() { _ = res.Body.Close() }() // read to its end: nothing is left to fail
	_, _ = io.Copy(io.Discard, res.Body)    // else the connection is not used again; the status has said it all
	return res.StatusCode, nil
}
