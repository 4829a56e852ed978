package referee_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/coder/websocket"
)

// volatile are the fields of API Gateway's events that differ between runs or machines.
var volatile = []string{
	"connectionId", "messageId", "requestId", "extendedRequestId", "requestTime",
	"requestTimeEpoch", "connectedAt", "apiId",
	"domainName", "sourceIp", "userAgent", "Host", "User-Agent", "Sec-WebSocket-Key",
	"X-Amzn-Trace-Id", "X-Forwarded-For",
	"X-Forwarded-Port", "X-Forwarded-Proto",
}

// dial opens a WebSocket. If it is refused, the connection is nil and the answer is set.
func (c *cloud) dial(
	t *testing.T, query string, header http.Header,
) (*websocket.Conn, *http.Response, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	url := "ws" + strings.TrimPrefix(c.endpoint, "http") +
		"/_aws/execute-api/" + c.outputs["Api"] + "/v1" + query
	conn, answer, err := websocket.Dial(ctx, url,
		&websocket.DialOptions{HTTPHeader: header, CompressionMode: websocket.CompressionDisabled})
	if conn != nil {
		t.Cleanup(func() { _ = conn.CloseNow() }) // the test may have closed it
	}
	return conn, answer, err
}

// open opens a WebSocket and returns its connection ID and the event of $connect.
func (c *cloud) open(
	t *testing.T, query string, header http.Header,
) (*websocket.Conn, string, map[string]any) {
	t.Helper()
	mark := fmt.Sprintf("mark-%d", time.Now().UnixNano())
	separator := "?"
	if strings.Contains(query, "?") {
		separator = "&"
	}
	conn, answer, err := c.dial(t, query+separator+"mark="+mark, header)
	if err != nil {
		t.Fatal(status(answer, err))
	}
	event := c.recorded(t, mark, 1)[0]
	id, _ := at(event, "requestContext", "connectionId").(string)
	if id == "" {
		t.Fatalf("no connection id in %v", event)
	}
	return conn, id, event
}

func at(v any, path ...string) any {
	for _, key := range path {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

func send(t *testing.T, conn *websocket.Conn, text string) {
	t.Helper()
	if err := conn.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// next returns the next frame, how the connection ended, or "nothing" if neither comes within the
// time.
func next(t *testing.T, conn *websocket.Conn, within time.Duration) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	kind, data, err := conn.Read(ctx)
	switch {
	case err == nil:
		return fmt.Sprintf("%v %s", kind, data)
	case ctx.Err() != nil:
		return "nothing"
	}
	if closed, ok := errors.AsType[websocket.CloseError](err); ok {
		return fmt.Sprintf("closed with %d", closed.Code)
	}
	return "lost"
}

func TestEventsOfASocket(t *testing.T) {
	compare(t, func(t *testing.T, c *cloud) facts {
		f := facts{}
		header := http.Header{"X-Test": {"one", "two"}, "Origin": {"https://example.com"}}
		conn, id, connect := c.open(t, "?app=key&many=1&many=2&empty=&escaped=a%20b%2Bc", header)
		for _, queries := range []string{
			"queryStringParameters", "multiValueQueryStringParameters",
		} {
			if m, ok := connect[queries].(map[string]any); ok {
				delete(m, "mark")
			}
		}
		f.headers(connect)
		f.add("connect", connect, volatile...)
		send(t, conn, `{"event":"named","data":"ä€😀"}`)
		message := c.recorded(t, id, 1)[0]
		f.add("message", message, volatile...)
		if err := conn.Close(4321, "the end"); err != nil {
			t.Fatal(err)
		}
		f.add("disconnect", c.recorded(t, id, 1)[0], volatile...)
		return f
	})
}

// headers adds the spelling of the header host, and changes header names to lower case, so that
// their values can be compared.
func (f facts) headers(event map[string]any) {
	for _, field := range []string{"headers", "multiValueHeaders"} {
		headers, _ := event[field].(map[string]any)
		lower := make(map[string]any)
		for name, value := range headers {
			if strings.EqualFold(name, "host") {
				f["the header host in "+field] = name
			}
			isName := func(v string) bool { return strings.EqualFold(v, name) }
			if slices.ContainsFunc(volatile, isName) {
				value = "some"
			}
			lower[strings.ToLower(name)] = value
		}
		if headers != nil {
			event[field] = lower
		}
	}
}

func TestRouteSelection(t *testing.T) {
	compare(t, func(t *testing.T, c *cloud) facts {
		f := facts{}
		conn, id, _ := c.open(t, "", nil)
		for _, body := range []string{
			`{"event":"named"}`, `{"event":"other"}`, `{"other":"named"}`, `{"event":7}`,
			`{"event":7.0}`, `{"event":true}`,
			`{"event":null}`, `{"event":["named"]}`, `{"event":{"a":1}}`, `{"event":""}`,
			`{"event":"$connect"}`, `{"event":"$default"}`,
			`{"event":"named","event":"other"}`, `["named"]`, `"named"`, `7`, `not JSON`,
			`{"event":"named"`, ` {"event" : "named"} `, `{"Event":"named"}`,
			`{"event":"named "}`, `{"event":"\u006eamed"}`,
		} {
			send(t, conn, body)
			event := c.recorded(t, id, 1)[0]
			f["route of "+body] = fmt.Sprint(at(event, "requestContext", "routeKey"))
		}
		return f
	})
}

func TestAnswersToTheHandshake(t *testing.T) {
	compare(t, func(t *testing.T, c *cloud) facts {
		f := facts{}
		for name, query := range map[string]string{
			"200":                      `{"answer":{"statusCode":200,"body":"never seen"}}`,
			"204":                      `{"answer":{"statusCode":204}}`,
			"302":                      `{"answer":{"statusCode":302}}`,
			"400":                      `{"answer":{"statusCode":400}}`,
			"401":                      `{"answer":{"statusCode":401}}`,
			"403":                      `{"answer":{"statusCode":403,"body":"no"}}`,
			"500":                      `{"answer":{"statusCode":500}}`,
			"an object without status": `{"answer":{"hello":1}}`,
			"text":                     `{"answer":"text"}`,
			"the function fails":       `{"fail":true}`,
			"the function takes long":  `{"holdMs":6000}`,
		} {
			conn, answer, err := c.dial(t, "?wish="+escape(query), nil)
			f["$connect answers "+name] = status(answer, err)
			if conn != nil {
				f["first frame after "+name] = next(t, conn, 200*time.Millisecond)
			}
		}
		return f
	})
}

func TestFramesAndAnswers(t *testing.T) {
	compare(t, func(t *testing.T, c *cloud) facts {
		f := facts{}
		after := func(name string, kind websocket.MessageType, body string) {
			conn, _, _ := c.open(t, "", nil)
			if err := conn.Write(t.Context(), kind, []byte(body)); err != nil {
				t.Fatal(err)
			}
			frame := next(t, conn, 5*time.Second)
			if strings.HasPrefix(frame, "MessageText {") &&
				strings.Contains(frame, "Internal server error") {
				frame = "Internal server error, with connectionId and requestId: " +
					fmt.Sprint(strings.Contains(frame, `"connectionId"`) &&
						strings.Contains(frame, `"requestId"`))
			}
			f["after "+name] = frame
		}
		after("a body without a route response", websocket.MessageText,
			`{"answer":{"statusCode":200,"body":"hello"}}`)
		after("status 500 of the function", websocket.MessageText,
			`{"answer":{"statusCode":500,"body":"no"}}`)
		after("a function that fails", websocket.MessageText, `{"fail":true}`)
		after("a binary frame", websocket.MessageBinary, "\x00\x01")
		after("an empty frame", websocket.MessageText, "")
		after("33 KB", websocket.MessageText, strings.Repeat("x", 33<<10))
		return f
	})
}

// post, get and remove call the operations of @connections.
func (c *cloud) post(t *testing.T, id string) string {
	t.Helper()
	in := &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &id, Data: []byte("pushed")}
	_, err := c.connections.PostToConnection(t.Context(), in)
	return call(err)
}

func (c *cloud) get(
	t *testing.T, id string,
) (*apigatewaymanagementapi.GetConnectionOutput, string) {
	t.Helper()
	in := &apigatewaymanagementapi.GetConnectionInput{ConnectionId: &id}
	out, err := c.connections.GetConnection(t.Context(), in)
	return out, call(err)
}

func (c *cloud) remove(t *testing.T, id string) string {
	t.Helper()
	in := &apigatewaymanagementapi.DeleteConnectionInput{ConnectionId: &id}
	_, err := c.connections.DeleteConnection(t.Context(), in)
	return call(err)
}

func TestConnections(t *testing.T) {
	compare(t, func(t *testing.T, c *cloud) facts {
		f := facts{}
		held := fmt.Sprintf("held-%d", time.Now().UnixNano())
		opened := make(chan *websocket.Conn, 1)
		go func() {
			conn, _, _ := c.dial(t, "?mark="+held+"&wish="+escape(`{"holdMs":2000}`), nil)
			opened <- conn
		}()
		id, _ := at(c.recorded(t, held, 1)[0], "requestContext", "connectionId").(string)
		// its body is not promised (docs/aws.md §A5)
		f["POST while $connect runs"] = c.post(t, id)[:3]
		_, f["GET while $connect runs"] = c.get(t, id)
		conn := <-opened
		if conn == nil {
			t.Fatal("not opened")
		}
		f["POST to an open connection"] = c.post(t, id)
		f["what it receives"] = next(t, conn, patience)
		out, outcome := c.get(t, id)
		f["GET of an open connection"] = outcome
		if out != nil {
			f["GET tells when it connected"] = fmt.Sprint(
				out.ConnectedAt != nil && time.Since(*out.ConnectedAt) < time.Minute,
			)
			f["GET tells when it was active"] = fmt.Sprint(
				out.LastActiveAt != nil && time.Since(*out.LastActiveAt) < time.Minute,
			)
			f["GET tells the address"] = fmt.Sprint(
				out.Identity != nil && aws.ToString(out.Identity.SourceIp) != "",
			)
		}
		f["DELETE of an open connection"] = c.remove(t, id)
		f["what the client sees of it"] = next(t, conn, patience)
		event := c.recorded(t, id, 1)[0]
		f["the event of it"] = fmt.Sprint(at(event, "requestContext", "eventType"))
		f["POST after the end"], f["DELETE after the end"] = c.post(t, id), c.remove(t, id)
		_, f["GET after the end"] = c.get(t, id)

		other, gone, _ := c.open(t, "", nil)
		if err := other.Close(websocket.StatusNormalClosure, ""); err != nil {
			t.Fatal(err)
		}
		c.recorded(t, gone, 1) // $disconnect
		f["POST after the client closed"] = c.post(t, gone)
		const unknown = "L0SM9cOFvHcCIhw="
		f["POST to nobody"], f["DELETE of nobody"] = c.post(t, unknown), c.remove(t, unknown)
		f["POST to what is no id"] = c.post(t, "not an id")
		return f
	})
}
