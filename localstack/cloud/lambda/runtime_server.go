package lambda

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
)

const bufferSize = 16 << 10

// listener is a minimal HTTP/1.1 server for one client, the process. Every invocation goes through
// it twice. net/http's server would spend most of its time watching each connection for the
// client's end, which is not needed here: the end of the process says it.
type listener struct {
	net.Listener
	handle func(*http.Request) (reply, bool)

	mu    sync.Mutex
	conns []net.Conn
	wg    sync.WaitGroup
}

// reply is an answer; its body is always JSON.
type reply struct {
	status int
	body   []byte
	header []string // names and values in turn
}

// listen serves on a port of its own until close is called.
func listen(handle func(*http.Request) (reply, bool)) (*listener, error) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &listener{Listener: inner, handle: handle}
	l.wg.Go(l.accept)
	return l, nil
}

func (l *listener) accept() {
	for {
		conn, err := l.Accept()
		if err != nil {
			return // closed
		}
		l.mu.Lock()
		l.conns = append(l.conns, conn)
		l.mu.Unlock()
		l.wg.Go(func() { l.serve(conn) })
	}
}

// close ends the connections and waits for their goroutines. The handler must have returned, or be
// about to return.
func (l *listener) close() {
	_ = l.Close()
	l.mu.Lock()
	for _, conn := range l.conns {
		_ = conn.Close()
	}
	l.mu.Unlock()
	l.wg.Wait()
}

// serve answers the requests of one connection in order.
func (l *listener) serve(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReaderSize(conn, bufferSize)
	var buf []byte
	for {
		request, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		answer, ok := l.handle(request)
		if !ok {
			return
		}
		if _, err := io.Copy(io.Discard, request.Body); err != nil {
			return
		}
		if buf, err = answer.write(conn, buf[:0]); err != nil {
			return
		}
	}
}

// write sends the answer in one system call. A small body is copied for that, a large one is not.
// It returns b for reuse.
func (a reply) write(conn net.Conn, b []byte) ([]byte, error) {
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(a.status), 10)
	b = append(b, ' ')
	b = append(b, http.StatusText(a.status)...)
	b = append(b, "\r\nContent-Type: application/json\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(a.body)), 10)
	b = append(b, "\r\n"...)
	for i := 0; i < len(a.header); i += 2 {
		b = append(append(append(append(b, a.header[i]...), ": "...), a.header[i+1]...), "\r\n"...)
	}
	b = append(b, "\r\n"...)
	if len(a.body) > bufferSize {
		_, err := (&net.Buffers{b, a.body}).WriteTo(conn)
		return b, err
	}
	b = append(b, a.body...)
	_, err := conn.Write(b)
	return b, err
}
