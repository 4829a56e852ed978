package gateway_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"hark/localstack/cloud/gateway"
)

const benchFrame = `{"event":"App\\Events\\Shipped","channel":"orders","data":"{\"id\":123456,` +
	`\"state\":\"shipped\"}"}`

// BenchmarkPost measures a post by a function: a POST over a kept-alive connection, up to the frame
// at the client. The clients share the posts.
func BenchmarkPost(b *testing.B) {
	for _, clients := range []int{1, 100} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			c := start(b, gateway.Options{}, nil)
			sockets, ids := make([]*client, clients), make([]string, clients)
			for i := range sockets {
				sockets[i], ids[i] = c.connect()
			}
			post := poster(b, c)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				post(ids[i%clients])
				_ = sockets[i%clients].text()
			}
		})
	}
}

// BenchmarkPostParallel measures a fan-out: many posters, many clients, and no wait for frames.
func BenchmarkPostParallel(b *testing.B) {
	c := start(b, gateway.Options{}, nil)
	ids := make(chan string, 100)
	for range 100 {
		s, id := c.connect()
		go func() { _, _ = io.Copy(io.Discard, s) }()
		ids <- id
	}
	b.ReportAllocs()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		post := poster(b, c)
		for pb.Next() {
			id := <-ids
			post(id)
			ids <- id
		}
	})
}

// BenchmarkPostInProcess measures the gateway without HTTP.
func BenchmarkPostInProcess(b *testing.B) {
	c := start(b, gateway.Options{}, nil)
	s, id := c.connect()
	r := httptest.NewRequestWithContext(
		b.Context(), http.MethodPost, "/_aws/execute-api/"+apiID+"/"+stage+"/@connections/"+id, nil,
	)
	r.ContentLength = int64(len(benchFrame))
	body := strings.NewReader(benchFrame)
	r.Body = io.NopCloser(body)
	w := nullWriter{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		body.Reset(benchFrame)
		c.ServeConnections(w, r)
		if h, err := ws.ReadHeader(s.in); err != nil || h.Length != int64(len(benchFrame)) {
			b.Fatal(h, err)
		}
		_, _ = s.in.Discard(len(benchFrame))
	}
}

type nullWriter struct{ header http.Header }

func (w nullWriter) Header() http.Header         { return w.header }
func (w nullWriter) Write(b []byte) (int, error) { return len(b), nil }
func (w nullWriter) WriteHeader(int)             {}

// poster returns a function that posts over one connection of its own, without the cost of an HTTP
// client.
func poster(b *testing.B, c *cloud) func(id string) {
	b.Helper()
	conn, err := net.Dial("tcp", c.aws.Listener.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	in := bufio.NewReader(conn)
	var req bytes.Buffer
	return func(id string) {
		req.Reset()
		fmt.Fprintf(&req, "POST /_aws/execute-api/%s/%s/@connections/%s HTTP/1.1\r\nHost: "+
			"x\r\nContent-Length: %d\r\n\r\n%s",
			apiID, stage, strings.ReplaceAll(id, "=", "%3D"), len(benchFrame), benchFrame)
		if _, err := conn.Write(req.Bytes()); err != nil {
			b.Error(err)
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil || resp.StatusCode != http.StatusOK {
			b.Error(resp, err)
		}
	}
}
