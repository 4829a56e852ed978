package gateway_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"hark/localstack/cloud/gateway"
	"hark/localstack/cloud/iam"
)

func TestTheManagementAPIAnswersAsAWSDoes(t *testing.T) {
	t.Parallel()
	c := start(t, gateway.Options{}, nil)
	_, id := c.connect()
	base := "/_aws/execute-api/" + apiID + "/" + stage + "/@connections/"
	for _, tt := range []struct {
		name, method, path, body string
		want                     int
		errorType, message       string
	}{
		{"a post", "POST", base + id, "x", 200, "", ""},
		{"an empty post", "POST", base + id, "", 200, "", ""},
		{"a post of 128 KB", "POST", base + id, strings.Repeat("x", 128<<10), 200, "", ""},
		{
			"a longer post", "POST", base + id, strings.Repeat("x", 128<<10+1), 413,
			"PayloadTooLargeException", "too long",
		},
		{
			"an id that is none", "POST", base + "nonsense", "x", 400, "BadRequestException",
			"Invalid connectionId: nonsense",
		},
		{
			"an id of the right length only", "GET", base + "%3D%3D%3D%3D567890123456", "", 400,
			"BadRequestException", "Invalid",
		},
		{"an unknown id", "POST", base + "R1kmxc2VNjMCFIA=", "x", 410, "GoneException", ""},
		{
			"an unknown id, to be described", "GET", base + "R1kmxc2VNjMCFIA=", "", 410,
			"GoneException", "",
		},
		{
			"an unknown id, to be closed", "DELETE", base + "R1kmxc2VNjMCFIA=", "", 410,
			"GoneException", "",
		},
		{
			"another stage", "POST", "/_aws/execute-api/" + apiID + "/v2/@connections/" + id, "x",
			403, "ForbiddenException", "Forbidden",
		},
		{
			"no stage", "POST", "/_aws/execute-api/" + apiID + "/@connections/" + id, "x", 403,
			"ForbiddenException", "Forbidden",
		},
		{
			"another API", "POST", "/_aws/execute-api/other/v1/@connections/" + id, "x", 403,
			"ForbiddenException", "Forbidden",
		},
		{"another method", "PUT", base + id, "x", 403, "ForbiddenException", "Forbidden"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			resp, body := c.callPath(tt.method, tt.path, tt.body)
			checkAnswer(t, resp, body, tt.want, tt.errorType, tt.message)
		})
	}
}

// checkAnswer checks the status of an answer of @connections, its error, and that the body is JSON
// or empty.
func checkAnswer(
	t *testing.T, resp *http.Response, body string, want int, errorType, message string,
) {
	t.Helper()
	if resp.StatusCode != want || resp.Header.Get("X-Amzn-Errortype") != errorType {
		t.Errorf(
			"got %d %s, want %d %s",
			resp.StatusCode, resp.Header.Get("X-Amzn-Errortype"), want, errorType,
		)
	}
	if !strings.Contains(body, message) || message == "" && body != "" {
		t.Errorf("got body %q, want %q in it", body, message)
	}
	if body != "" && !json.Valid([]byte(body)) {
		t.Errorf("body %q is not JSON", body)
	}
}

func TestGetConnectionDescribesTheConnection(t *testing.T) {
	t.Parallel()
	c := start(t, gateway.Options{}, nil)
	_, id := c.connect()
	resp, body := c.call(http.MethodGet, id, "")
	var got struct {
		ConnectedAt, LastActiveAt time.Time
		Identity                  struct{ SourceIP, UserAgent string }
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("got %d %s: %v", resp.StatusCode, body, err)
	}
	if time.Since(got.ConnectedAt) > patience || got.LastActiveAt.Before(got.ConnectedAt) {
		t.Errorf("got times %s", body)
	}
	if got.Identity.SourceIP != "127.0.0.1" || got.Identity.UserAgent != "test" {
		t.Errorf("got identity %+v", got.Identity)
	}
}

func TestDeleteClosesWith1000AndDisconnectsOnce(t *testing.T) {
	t.Parallel()
	c := start(t, gateway.Options{}, nil)
	s, id := c.connect()
	if resp, _ := c.call(http.MethodDelete, id, ""); resp.StatusCode != http.StatusNoContent {
		t.Fatalf("DELETE: %d, want 204", resp.StatusCode)
	}
	if status := c.post(id, "x"); status != http.StatusGone {
		t.Errorf("post afterwards: %d, want 410", status)
	}
	if code := s.closed(); code != ws.StatusNormalClosure {
		t.Errorf("closed with %d, want 1000", code)
	}
	s.send(ws.OpClose, ws.NewCloseFrameBody(ws.StatusNormalClosure, ""))
	if _, ok := s.next(); ok {
		t.Error("the stream goes on after both close frames")
	}
	e := receive(t, c.ended)
	if e.RequestContext.DisconnectStatusCode != 1000 || e.RequestContext.ConnectionID != id {
		t.Errorf("$disconnect got %+v", e.RequestContext)
	}
	c.Close()
	if len(c.ended) > 0 {
		t.Error("$disconnect was invoked twice")
	}
}

func TestPostsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	c := start(t, gateway.Options{}, nil)
	s, id := c.connect()
	const n = 500
	go func() {
		for i := range n {
			c.post(id, fmt.Sprint(i))
		}
	}()
	for i := range n {
		if got := s.text(); got != fmt.Sprint(i) {
			t.Fatalf("got %q, want %d", got, i)
		}
	}
}

func TestConcurrentPostsReachTheirClients(t *testing.T) {
	t.Parallel()
	c := start(t, gateway.Options{}, nil)
	const clients, posts = 20, 50
	var done sync.WaitGroup
	for range clients {
		s, id := c.connect()
		done.Go(func() {
			for i := range posts {
				if status := c.post(id, fmt.Sprint(id, i)); status != http.StatusOK {
					t.Errorf("post: %d", status)
				}
			}
		})
		done.Go(func() {
			for i := range posts {
				if got := s.text(); got != fmt.Sprint(id, i) {
					t.Errorf("got %q, want %s%d", got, id, i)
				}
			}
		})
	}
	done.Wait()
}

func TestLongPostGoesOutInFrames(t *testing.T) {
	t.Parallel()
	c := start(t, gateway.Options{}, nil)
	s, id := c.connect()
	body := strings.Repeat("é", 40<<10) // 80 KB
	c.post(id, body)
	var got string
	for i, want := range []int{32 << 10, 32 << 10, 16 << 10} {
		f, _ := s.next()
		if len(f.Payload) != want || f.Header.Fin != (i == 2) ||
			(f.Header.OpCode == ws.OpText) != (i == 0) {
			t.Errorf("frame %d: %+v", i, f.Header)
		}
		got += string(f.Payload)
	}
	if got != body {
		t.Error("the frames do not make up the post")
	}
}

func TestASlowClientGets429AndDelaysNoOther(t *testing.T) {
	t.Parallel()
	c := start(t, gateway.Options{SendBuffer: 256 << 10}, nil)
	slow, slowID := c.connect()
	fast, fastID := c.connect()
	big := strings.Repeat("x", 100<<10)
	posted := 0
	resp, body := c.call(http.MethodPost, slowID, big)
	for ; resp.StatusCode == http.StatusOK; posted++ {
		if posted > 10_000 {
			t.Fatal("the socket never filled up")
		}
		resp, body = c.call(http.MethodPost, slowID, big)
	}
	if resp.StatusCode != http.StatusTooManyRequests ||
		resp.Header.Get("X-Amzn-Errortype") != "LimitExceededException" {
		t.Errorf("got %d %s, want 429", resp.StatusCode, body)
	}
	if status := c.post(fastID, "hi"); status != http.StatusOK || fast.text() != "hi" {
		t.Errorf("post to another client: %d", status)
	}
	for range posted * 4 { // four frames each
		if f, ok := slow.next(); !ok || f.Header.OpCode.IsControl() {
			t.Fatalf("what was accepted did not arrive: %+v", f.Header)
		}
	}
	for deadline := time.Now().Add(patience); c.post(slowID, "again") != http.StatusOK; {
		if time.Now().After(deadline) {
			t.Fatal("a client that has caught up cannot be posted to")
		}
	}
	if got := slow.text(); got != "again" {
		t.Errorf("got %q", got)
	}
}

func TestPostsOfRolesAreChecked(t *testing.T) {
	t.Parallel()
	c := start(t, gateway.Options{}, nil)
	_, id := c.connect()
	post := func(pattern string) *httptest.ResponseRecorder {
		role := &iam.Role{Name: "R", Session: "f", Account: "000000000000"}
		role.Statements = []iam.Statement{{
			Effect:    "Allow",
			Actions:   []string{"execute-api:ManageConnections"},
			Resources: []string{pattern},
		}}
		w := httptest.NewRecorder()
		path := "/_aws/execute-api/" + apiID + "/" + stage + "/@connections/" + id
		c.ServeConnections(
			w,
			httptest.NewRequestWithContext(
				iam.WithRole(t.Context(), role), "POST", path, strings.NewReader("x"),
			),
		)
		return w
	}
	arn := "arn:aws:execute-api:us-east-1:000000000000:" + apiID + "/" + stage
	if w := post(arn + "/POST/@connections/*"); w.Code != http.StatusOK {
		t.Errorf("allowed post: %d %s", w.Code, w.Body)
	}
	w := post(arn + "/GET/@connections/*")
	if w.Code != http.StatusForbidden ||
		w.Header().Get("X-Amzn-Errortype") != "AccessDeniedException" ||
		!strings.Contains(
			w.Body.String(),
			"is not authorized to perform: execute-api:ManageConnections on resource: "+arn+"/POST",
		) {
		t.Errorf("post that no policy allows: %d %s", w.Code, w.Body)
	}
}

func TestVerifySeesTheBodysHash(t *testing.T) {
	t.Parallel()
	const sum = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" // of "hello"
	c := start(t, gateway.Options{Verify: func(_ *http.Request, bodySHA256 string) error {
		if bodySHA256 != sum {
			return errors.New(
				"The request signature we calculated does not match the signature you provided.",
			)
		}
		return nil
	}}, nil)
	_, id := c.connect()
	if status := c.post(id, "hello"); status != http.StatusOK {
		t.Errorf("signed post: %d", status)
	}
	resp, body := c.call(http.MethodPost, id, "hullo")
	if resp.StatusCode != http.StatusForbidden || !strings.Contains(body, "does not match") {
		t.Errorf("badly signed post: %d %s", resp.StatusCode, body)
	}
}
