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

// listener is a minimal HTTP/1.1 server for the one client that a process is. Every invocation goes
// through it twice, and net/http's server spends most of its time there on what this client never
// needs: it watches each connection for the client's going, which for us is the process's end.
type listener struct {
	net.Listener
	handle func(*http.Request) (reply, bool)

	mu    sync.Mutex
	conns []net.Conn
	wg    sync.WaitGroup
}

// reply is an answer, its body always JSON.
type reply struct {
	status int
	body   []byte
	header []string // names and values in turn
}

// listen serves on a port of its own until close.
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

// close ends the connections and waits for their goroutines: the handler must have returned or be
// about to.
func (l *listener) close() {
	_ = l.Close()
	l.mu.Lock()
	for _, conn := range l.conns {
		_ = conn.Close()
	}
	l.mu.Unlock()
	l.wg.Wait()
}

// serve answers the requests of one connection, one after another.
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

// write sends the answer by one system call: a large body is not copied for it, a small one is. It
// returns b to be used again.
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
