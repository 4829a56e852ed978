package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"

	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/template"
)

// Where the stack is created.
const (
	region    = "us-east-1"
	account   = "000000000000"
	stackName = "Hark"
	stackID   = "arn:aws:cloudformation:" + region + ":" + account + ":stack/" + stackName + "/6861726b-0000-4000-8000-000000000000"
)

// closeTimeout is how long requests may take to end once everything behind them has ended.
const closeTimeout = 2 * time.Second

// run is the program: it takes the ports, builds the functions, creates the stack, says that it is ready and serves until
// the context ends. Then it stops everything and waits for it. What is for people's or programs' eyes goes to stdout, how
// it goes to stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	began := time.Now()
	o, err := parseFlags(args, stderr)
	if err != nil {
		return err
	}
	in, err := readInputs(ctx, o)
	if err != nil {
		return err
	}
	if o.curl {
		_, err := fmt.Fprintln(stdout, curl("http://"+o.listen, in.owner, time.Now()))
		return err
	}
	publicPort, awsPort, err := listen(ctx, o)
	if err != nil {
		return err
	}
	defer publicPort.Close()
	defer awsPort.Close()

	at := place{region: region, account: account, endpoint: address(awsPort)}
	c, err := create(ctx, o, in.module, at, stderr)
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.put(in.seed); err != nil {
		return err
	}
	c.faults.Add(in.broken)
	return c.serve(ctx, publicPort, awsPort, func() error {
		r := newReady(c, address(publicPort), in.owner, time.Since(began))
		if o.json {
			return r.writeJSON(stdout)
		}
		return r.writeBanner(stdout, time.Now())
	})
}

// inputs are what the command line names, read before a port is taken or anything is built.
type inputs struct {
	module string // its root
	seed   seed
	owner  app // the first of the seed
	broken faults.Order
}

func readInputs(ctx context.Context, o options) (in inputs, err error) {
	if in.module, err = moduleRoot(ctx); err != nil {
		return inputs{}, err
	}
	if in.seed, err = readSeed(o.seedPath(in.module)); err != nil {
		return inputs{}, err
	}
	if in.broken, err = readFaults(o.faults); err != nil {
		return inputs{}, err
	}
	if in.owner, err = in.seed.app(); err != nil {
		return inputs{}, err
	}
	return in, nil
}

// create reads the template, builds the functions and creates the stack.
func create(ctx context.Context, o options, module string, at place, stderr io.Writer) (*cloud, error) {
	stack, err := readStack(o.templatePath(module), at)
	if err != nil {
		return nil, err
	}
	folders, err := sources(stack)
	if err != nil {
		return nil, err
	}
	output, err := cacheFolder(module)
	if err != nil {
		return nil, err
	}
	binaries, err := builder{module: module, output: output, stderr: stderr}.build(ctx, folders)
	if err != nil {
		return nil, err
	}
	level := slog.LevelWarn
	if o.verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	return newCloud(at, stack, binaries, settings{console: stderr, verbose: o.verbose, speed: o.speed, log: log})
}

// readFaults reads the file that -faults names, if it names one.
func readFaults(path string) (faults.Order, error) {
	if path == "" {
		return faults.Order{}, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return faults.Order{}, fmt.Errorf("read faults: %w", err)
	}
	order, err := faults.Parse(data)
	if err != nil {
		return faults.Order{}, fmt.Errorf("%s: %w", path, err)
	}
	return order, nil
}

func readStack(path string, at place) (*template.Stack, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	parsed, err := template.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	stack, err := parsed.Resolve(template.Env{StackName: stackName, Region: at.region, Account: at.account, StackID: stackID})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return stack, nil
}

// serve serves both ports until the context ends or one of them fails, then stops the stack and closes them.
func (c *cloud) serve(ctx context.Context, publicPort, awsPort net.Listener, ready func() error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	failed := make(chan error, 2)
	var running sync.WaitGroup
	servers := []*http.Server{c.server(ctx, c.public()), c.server(ctx, c.front())}
	for i, listener := range []net.Listener{publicPort, awsPort} {
		running.Go(func() {
			if err := servers[i].Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serve %s: %w", listener.Addr(), err)
			}
		})
	}
	c.start()
	err := ready()
	if err == nil {
		select {
		case <-ctx.Done():
		case err = <-failed:
		}
	}
	stop() // long polls end now
	c.close()
	for _, server := range servers {
		closeServer(server)
	}
	running.Wait()
	return err
}

func (c *cloud) server(ctx context.Context, handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(c.log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
}

// closeServer lets answers that are being written be finished, if that does not take long.
func closeServer(server *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if server.Shutdown(ctx) != nil {
		_ = server.Close() // it has no error to report that matters now
	}
}

// listen takes both ports before anything slow is done.
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

func explain(err error, flag, address string) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is in use: stop what listens there, or choose another address with %s", address, flag)
	}
	return fmt.Errorf("%s: %w", flag, err)
}

// address is where a port is reached from this machine.
func address(l net.Listener) string {
	addr, ok := l.Addr().(*net.TCPAddr)
	if ok && addr.IP.IsUnspecified() {
		return fmt.Sprintf("http://127.0.0.1:%d", addr.Port)
	}
	return "http://" + l.Addr().String()
}

// shortHash is a name for a long text.
func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:6])
}
