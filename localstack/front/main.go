package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

const usage = "Serves a stack of an emulator as CloudFront would: " +
	"go run ./localstack/front -emulator URL [flags]\n\n" +
	"Credentials come from the SDK's own variables. " +
	"When it listens, it prints its address. Ctrl-C stops it.\n\n"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "front:", err)
		os.Exit(1)
	}
}

// run is the program. It serves until the context ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("front", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
	}
	emulator := flags.String("emulator", "", "`URL` of the emulator: http://host:port")
	sockets := flags.String("sockets", "",
		"`URL` of WebSocket APIs there, with {id} in it (default {emulator}/_aws/execute-api/{id})")
	name := flags.String("stack", "Hark", "`name` of the stack")
	region := flags.String("region", "us-east-1", "where the stack was deployed")
	listen := flags.String("listen", "127.0.0.1:0",
		"`address` to serve at; port 0 takes any free one")
	verbose := flags.Bool("v", false, "show what the distribution's function logs")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if base, err := url.Parse(*emulator); err != nil || base.Host == "" {
		return fmt.Errorf("-emulator: %q is not the URL of an emulator", *emulator)
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level(*verbose)}))

	stack, err := deployed(ctx, *emulator, *region, *name)
	if err != nil {
		return fmt.Errorf("stack %s at %s: %w", *name, *emulator, err)
	}
	root := strings.TrimSuffix(*emulator, "/")
	// LocalStack's paths (docs/aws.md §F)
	at := places{sockets: *sockets, functions: root + "/_aws/lambda-url/{id}"}
	if at.sockets == "" {
		at.sockets = root + "/_aws/execute-api/{id}"
	}
	handler, err := newHandler(stack, at, log)
	if err != nil {
		return err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", *listen)
	if err != nil {
		return fmt.Errorf("-listen: %w", err)
	}
	if _, err := fmt.Fprintf(stdout, "http://%s\n", listener.Addr()); err != nil {
		return err
	}
	return serve(ctx, listener, handler)
}

func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	// WebSockets end with the process
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

func level(verbose bool) slog.Level {
	if verbose {
		return slog.LevelDebug
	}
	return slog.LevelWarn
}
