package membership_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"

	"hark/shared/pusher"
)

// wire carries requests to an engine. Each is a step.
func (w *world) wire(engine http.Handler) *http.Client {
	return &http.Client{Transport: wire{w, engine}}
}

type wire struct {
	w      *world
	engine http.Handler
}

// The answer of a request that is refused, and the error of one whose answer is lost.
const throttled = `{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException",` +
	`"message":"throttled by the test"}`

var errLost = errors.New("the answer is lost")

func (x wire) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	v, err := x.w.ask(r.Context(), operation+" "+describe(body))
	if err != nil {
		return nil, err
	}
	if v == refused {
		return &http.Response{
			StatusCode: http.StatusBadRequest,
			Header:     http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
			Body:       io.NopCloser(strings.NewReader(throttled)), Request: r,
		}, nil
	}
	answer := x.serve(r, body)
	x.w.happened(r.Context(), operation, body, answer.StatusCode)
	switch v {
	case lost:
		return nil, errLost
	case twice:
		answer = x.serve(r, body)
	default: // it succeeds
	}
	return answer, nil
}

func (x wire) serve(r *http.Request, body []byte) *http.Response {
	if x.w.without.groups {
		body = x.w.scatter(body)
	}
	again := r.Clone(context.WithoutCancel(r.Context()))
	again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	recorder := httptest.NewRecorder()
	x.engine.ServeHTTP(recorder, again)
	return recorder.Result()
}

var groupID = regexp.MustCompile(`"MessageGroupId":"[^"]*"`)

// scatter puts each message of a request into a group of its own.
func (w *world) scatter(body []byte) []byte {
	return groupID.ReplaceAllFunc(body, func([]byte) []byte {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.made++
		return fmt.Appendf(nil, `"MessageGroupId":"%d"`, w.made)
	})
}

var (
	keyPart = regexp.MustCompile(`"(?::?pk|sk|:prefix)":\{"S":"([^"]*)"\}`)
	change  = regexp.MustCompile(`"(?:UpdateExpression|#ch)":"([^"]*)"`)
)

// describe names the rows and changes of a request, always in the same order.
func describe(body []byte) string {
	var parts []string
	for _, m := range keyPart.FindAllSubmatch(body, -1) {
		parts = append(parts, string(m[1]))
	}
	slices.Sort(parts)
	var changes []string
	for _, m := range change.FindAllSubmatch(body, -1) {
		changes = append(changes, string(m[1]))
	}
	slices.Sort(changes)
	for _, b := range queuedIn(body) {
		parts = append(parts, summary(b))
	}
	return strings.Join(append(parts, changes...), " ")
}

// queued is the body of any message of the queue.
type queued struct {
	Kind       string
	App        string
	Channel    pusher.Channel
	Connection pusher.ConnectionID
	Frame      json.RawMessage
}

// queuedIn are the messages of a request that sends to the queue.
func queuedIn(body []byte) (all []queued) {
	var in struct {
		Entries []struct{ MessageBody string }
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil
	}
	for _, e := range in.Entries {
		var b queued
		if err := json.Unmarshal([]byte(e.MessageBody), &b); err == nil {
			all = append(all, b)
		}
	}
	return all
}

// summary names a message.
func summary(b queued) string {
	if b.Kind == "" {
		return fmt.Sprintf("event %s", b.Frame)
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s/%s %s", b.Kind, b.App, b.Channel, b.Connection))
}

// happened keeps what a request has done.
func (w *world) happened(ctx context.Context, operation string, body []byte, status int) {
	if status != http.StatusOK {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	c, _ := ctx.Value(callKey{}).(*call)
	for _, row := range rowsOf(body) {
		if c == nil {
			continue
		}
		c.touched[row] = true
		if c.hurt {
			w.hurt[row] = true
		}
		dead := operation == "UpdateItem" && bytes.Contains(body, []byte("SET dead"))
		if id, is := strings.CutPrefix(row, "conn#"); is && dead {
			w.peer(pusher.ConnectionID(id)).markedDead = c
		}
	}
	for _, b := range queuedIn(body) {
		if b.Kind == "" {
			w.reached(b)
		}
	}
}

// rowsOf names the rows to which the items of a request belong: a channel with its marker, a user,
// a connection.
func rowsOf(body []byte) (all []string) {
	for _, m := range keyPart.FindAllSubmatch(body, -1) {
		row := string(m[1])
		switch {
		case strings.HasPrefix(row, "app#"): // of a marker; the name is in the sort key
		case strings.HasPrefix(row, "chan#"):
			ch, _, found := strings.Cut(strings.TrimPrefix(row, "chan#"), "#")
			if !found { // a marker's sort key
				all = append(all, markerRows(body, ch)...)
				continue
			}
			all = append(all, row)
		case strings.HasPrefix(row, "user#"), strings.HasPrefix(row, "conn#"):
			all = append(all, row)
		}
	}
	return all
}

var markerPart = regexp.MustCompile(`"pk":\{"S":"app#([^"#]*)#`)

func markerRows(body []byte, channel string) (all []string) {
	for _, m := range markerPart.FindAllSubmatch(body, -1) {
		all = append(all, channelRow(string(m[1]), pusher.Channel(channel)))
	}
	return all
}

// channelRow is the key of the rows of a channel.
func channelRow(app string, ch pusher.Channel) string {
	if user := ch.User(); user != "" {
		return "user#" + app + "#" + user
	}
	return "chan#" + app + "#" + string(ch)
}
