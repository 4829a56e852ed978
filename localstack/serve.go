package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"hark/localstack/cloud"
)

// closeTimeout is how long requests may take to end after the stack behind them has stopped.
const closeTimeout = 2 * time.Second

// port is a listener on this machine and the handler that serves it.
type port struct {
	net.Listener
	http.Handler
}

// serve serves the ports until the context ends or one of them fails. Then it stops the stack and
// closes the ports. It calls ready when the ports answer.
func serve(
	ctx context.Context, c *cloud.Cloud, ports []port, log *slog.Logger, ready func() error,
) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	failed := make(chan error, len(ports))
	var running sync.WaitGroup
	var servers []*http.Server
	for _, p := range ports {
		server := newServer(ctx, p, log)
		servers = append(servers, server)
		running.Go(func() {
			if err := server.Serve(p); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serve %s: %w", p.Addr(), err)
			}
		})
	}
	c.Start()
	err := ready()
	if err == nil {
		select {
		case <-ctx.Done():
		case err = <-failed:
		}
	}
	stop() // ends long polls
	c.Close()
	for _, server := range servers {
		closeServer(server)
	}
	running.Wait()
	return err
}

func newServer(ctx context.Context, handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
}

// closeServer waits for running requests, at most for closeTimeout, and then closes their
// connections.
func closeServer(server *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if server.Shutdown(ctx) != nil {
		_ = server.Close() // the program ends, whether or not this fails
	}
}

// listen takes both ports. run calls it before the slow steps, so that a port in use shows at once.
func listen(ctx context.Context, o options) (publicPort, awsPort net.Listener, err error) {
	var config net.ListenConfig
	if publicPort, err = config.Listen(ctx, "tcp", o.listen); err != nil {
		return nil, nil, explain(err, "-listen", o.listen)
	}
	if awsPort, err = config.Listen(ctx, "tcp", o.aws); err != nil {
		return nil, nil, errors.Join(explain(err, "-aws", o.aws), publicPort.Close())
	}
	return publicPort, awsPort, nil
}

// explain adds to an error of listening what the user can do about it.
func explain(err error, flag, address string) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf(
			"%s is in use: stop what listens there, or choose another address with %s",
			address, flag)
	}
	return fmt.Errorf("%s: %w", flag, err)
}

// address returns the URL at which programs on this machine reach the port.
func address(l net.Listener) string {
	addr, ok := l.Addr().(*net.TCPAddr)
	if ok && addr.IP.IsUnspecified() {
		return fmt.Sprintf("http://127.0.0.1:%d", addr.Port)
	}
	return "http://" + l.Addr().String()
}
