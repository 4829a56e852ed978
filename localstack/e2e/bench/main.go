package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"hark/localstack/e2e/target"
)

// limit is the longest that a run may take.
const limit = 3 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	asJSON := flags.Bool("json", false, "print JSON instead of a table")
	verbose := flags.Bool("v", false, "show what the local cloud writes")
	if err := flags.Parse(args); err != nil {
		return err
	}
	log := io.Discard
	if *verbose {
		log = stderr
	}
	fmt.Fprintln(stderr, "starting a local cloud")
	// the default form of a deployment
	hark, err := target.Open(ctx, target.Options{Log: log, Template: "default"})
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := hark.Close(); err == nil {
			err = closeErr
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	result, err := measure(ctx, newLoad(hark), stderr)
	if err != nil {
		return err
	}
	if *asJSON {
		enc := json.NewEncoder(stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(result)
	}
	return result.table(stdout)
}

// measure runs all scenarios, one after another.
func measure(ctx context.Context, l *load, progress io.Writer) (Result, error) {
	result := Result{Machine: thisMachine(), Date: time.Now().UTC().Format(time.RFC3339)}
	fmt.Fprintln(progress, "dialling")
	dial, err := l.dialling(ctx, 50, 200)
	if err != nil {
		return result, fmt.Errorf("dialling: %w", err)
	}
	result.Dial = dial
	for _, s := range []struct{ subscribers, rate, events int }{{1, 50, 500}, {100, 10, 100}} {
		fmt.Fprintf(progress, "latency with %d subscribers\n", s.subscribers)
		got, err := l.latency(ctx, s.subscribers, s.rate, s.events)
		if err != nil {
			return result, fmt.Errorf("latency with %d subscribers: %w", s.subscribers, err)
		}
		result.Latency = append(result.Latency, got)
	}
	for _, s := range []struct{ subscribers, events int }{{100, 200}, {1000, 20}} {
		fmt.Fprintf(progress, "throughput with %d subscribers\n", s.subscribers)
		got, err := l.throughput(ctx, s.subscribers, s.events)
		if err != nil {
			return result, fmt.Errorf("throughput with %d subscribers: %w", s.subscribers, err)
		}
		result.Throughput = append(result.Throughput, got)
	}
	return result, nil
}
