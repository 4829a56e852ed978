package wire

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// App has the credentials that an app's own server has.
type App struct {
	ID     string `json:"id"`
	Key    string `json:"key"`
	Secret string `json:"secret"`
}

// Auth is the auth string for a channel (docs/protocol.md §3.2). channelData may be empty.
func (a App) Auth(socketID, channel, channelData string) string {
	text := socketID + ":" + channel
	if channelData != "" {
		text += ":" + channelData
	}
	return a.Key + ":" + a.sign(text)
}

// AuthUser is the auth string for a sign-in (docs/protocol.md §3.2).
func (a App) AuthUser(socketID, userData string) string {
	return a.Key + ":" + a.sign(socketID+"::user::"+userData)
}

func (a App) sign(text string) string {
	h := hmac.New(sha256.New, []byte(a.Secret))
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

// Event is the body of POST /apps/{id}/events (docs/protocol.md §5.3). Empty fields are not sent.
type Event struct {
	Name     string   `json:"name,omitempty"`
	Data     string   `json:"data,omitempty"`
	Channel  string   `json:"channel,omitempty"`
	Channels []string `json:"channels,omitempty"`
	SocketID string   `json:"socket_id,omitempty"`
	Info     string   `json:"info,omitempty"`
}

// API publishes for one app.
type API struct {
	Base string // the publish host, for example http://127.0.0.1:8080
	App
	Client *http.Client // http.DefaultClient if nil
}

// Request is one call of the HTTP API. Params are signed and sent with the auth parameters, which
// they may replace; an empty value removes one. Tamper changes the request after it was signed.
type Request struct {
	Method, Path string
	Body         []byte
	At           time.Time // of the signature; now if zero
	Params       map[string]string
	Tamper       func(query url.Values, r *Request)
	Encode       func(query url.Values) string // how the query is written; url.Values.Encode if nil
}

// Answer is the answer to a request.
type Answer struct {
	Status      int
	ContentType string
	Body        string
}

// Publish publishes one event, signed as the SDKs sign it.
func (a API) Publish(ctx context.Context, e Event) (Answer, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return Answer{}, err
	}
	return a.Do(ctx,
		Request{Method: http.MethodPost, Path: "/apps/" + a.ID + "/events", Body: body})
}

// Do signs and sends the request (docs/protocol.md §5.1).
func (a API) Do(ctx context.Context, r Request) (Answer, error) {
	query := a.authorize(r)
	if r.Tamper != nil {
		r.Tamper(query, &r)
	}
	encode := r.Encode
	if encode == nil {
		encode = url.Values.Encode
	}
	return a.send(ctx, r.Method, r.Path+"?"+encode(query), r.Body)
}

// Get sends a GET without a signature.
func (a API) Get(ctx context.Context, path string) (Answer, error) {
	return a.send(ctx, http.MethodGet, path, nil)
}

func (a API) authorize(r Request) url.Values {
	if r.At.IsZero() {
		r.At = time.Now()
	}
	params := map[string]string{
		"auth_key":       a.Key,
		"auth_timestamp": strconv.FormatInt(r.At.Unix(), 10),
		"auth_version":   "1.0",
	}
	if len(r.Body) > 0 {
		sum := md5.Sum(r.Body)
		params["body_md5"] = hex.EncodeToString(sum[:])
	}
	maps.Copy(params, r.Params)
	query := url.Values{}
	var pairs []string
	for _, k := range slices.Sorted(maps.Keys(params)) {
		if params[k] != "" {
			query.Set(k, params[k])
			pairs = append(pairs, k+"="+params[k])
		}
	}
	query.Set("auth_signature", a.sign(r.Method+"\n"+r.Path+"\n"+strings.Join(pairs, "&")))
	return query
}

func (a API) send(ctx context.Context, method, pathQuery string, body []byte) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(a.Base, "/")+pathQuery,
		bytes.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	client := a.Client
	if client == nil {
		client = http.DefaultClient
	}
	res, err := client.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return Answer{}, fmt.Errorf("%s %s: %w", method, req.URL.Path, err)
	}
	return Answer{res.StatusCode, res.Header.Get("Content-Type"), string(text)}, nil
}
