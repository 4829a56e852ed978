package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"hark/localstack/cloud"
	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/template"
)

// run is the program. It takes the ports, builds the functions, creates the stack, prints the
// banner and serves until the context ends. Then it stops everything and waits until all of it has
// ended. The banner, or its JSON, goes to stdout; progress and logs go to stderr.
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
		_, err := fmt.Fprintln(stdout, curl("http://"+o.listen, in.app, time.Now()))
		return err
	}
	publicPort, awsPort, err := listen(ctx, o)
	if err != nil {
		return err
	}
	defer publicPort.Close()
	defer awsPort.Close()

	stack, err := readStack(o.templatePath(in.module))
	if err != nil {
		return err
	}
	log := newLog(stderr, o.verbose)
	c, err := create(ctx, stack, in.module, cloud.Options{
		Endpoint: address(awsPort), Speed: o.speed, Console: stderr, Verbose: o.verbose, Log: log,
	})
	if err != nil {
		return err
	}
	defer c.Close()
	if err := in.seed.put(c, stack); err != nil {
		return err
	}
	c.AddFaults(in.faults)
	ports := []port{{publicPort, newPublic(c, stack)}, {awsPort, c.Handler()}}
	return serve(ctx, c, ports, log, func() error {
		r := newReady(stack, address(publicPort), address(awsPort), in.app, time.Since(began))
		if o.json {
			return r.writeJSON(stdout)
		}
		return r.writeBanner(stdout, time.Now())
	})
}

// inputs are the files that the command line names. They are read before a port is taken or a
// function is built, so that a mistake in one of them shows at once.
type inputs struct {
	module string // root folder of the module
	seed   seed
	app    app // the first app of the seed
	faults faults.Order
}

func readInputs(ctx context.Context, o options) (in inputs, err error) {
	if in.module, err = moduleRoot(ctx); err != nil {
		return inputs{}, err
	}
	if in.seed, err = readSeed(o.seedPath(in.module)); err != nil {
		return inputs{}, err
	}
	if in.faults, err = readFaults(o.faults); err != nil {
		return inputs{}, err
	}
	if in.app, err = in.seed.app(); err != nil {
		return inputs{}, err
	}
	return in, nil
}

// readFaults reads the file that -faults names. An empty path means no faults.
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

// newLog returns the log of the services: warnings and errors, or everything if verbose.
func newLog(w io.Writer, verbose bool) *slog.Logger {
	level := slog.LevelWarn
	if verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

// create builds the functions and creates the stack. The caller fills in the options that say how
// the cloud runs; create adds those that depend on Hark.
func create(
	ctx context.Context, stack *template.Stack, module string, o cloud.Options,
) (*cloud.Cloud, error) {
	folders, err := sources(stack)
	if err != nil {
		return nil, err
	}
	output, err := cacheFolder(module)
	if err != nil {
		return nil, err
	}
	binaries, err := builder{module: module, output: output, stderr: o.Console}.build(ctx, folders)
	if err != nil {
		return nil, err
	}
	return cloud.New(stack, withHark(o, binaries))
}
