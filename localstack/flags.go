package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"
)

// errUsage is a mistake in the command line. parseFlags has already printed what is wrong.
var errUsage = errors.New("usage")

// options are the flags of the command line.
type options struct {
	listen, aws string // addresses of the public port and of the AWS port
	template    string // name of a template in infra/testdata, or the path of one
	seed        string // file of items for the apps table; localstack/seed.json if empty
	faults      string // file of faults to set at the start; none if empty
	speed       float64
	verbose     bool
	json        bool
	curl        bool
}

const defaultListen = "127.0.0.1:8080" // the default port of Laravel Reverb

const usage = `Runs the stack on this machine: go run ./localstack [flags]

Ctrl-C stops it, and everything that it started.

`

// parseFlags reads the command line. It prints mistakes, and the usage, to stderr.
func parseFlags(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("localstack", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&o.listen, "listen", defaultListen,
		"`address` where clients connect and apps publish; port 0 takes any free one")
	flags.StringVar(&o.aws, "aws", "127.0.0.1:4566",
		"`address` of the AWS services; port 0 takes any free one")
	flags.StringVar(&o.template, "template", "webhooks",
		"the `template`: its name in infra/testdata, or the path of a file")
	flags.StringVar(&o.seed, "seed", "",
		"`file` with the items to put into the apps table (default localstack/seed.json)")
	flags.StringVar(&o.faults, "faults", "",
		"`file` with faults to set from the start, as POST /_hark/faults takes them")
	flags.Float64Var(&o.speed, "speed", 1,
		"divide queues' delays and visibility timeouts, "+
			"and the periods of schedules, by this `number`")
	flags.BoolVar(&o.verbose, "v", false,
		"show everything that the functions print and the services note")
	flags.BoolVar(&o.json, "json", false,
		"when ready, print one line of JSON instead of the banner")
	flags.BoolVar(&o.curl, "curl", false,
		"print a newly signed curl command for the address of -listen, and exit")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return o, err
		}
		return o, errUsage
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "localstack takes flags only, not %q\n", flags.Arg(0))
		return o, errUsage
	}
	if !(o.speed > 0) || math.IsInf(o.speed, 0) { // NaN is not above 0 either
		fmt.Fprintf(stderr, "-speed must be a number above 0, not %v\n", o.speed)
		return o, errUsage
	}
	return o, nil
}

// templatePath returns the path of the template that -template names.
func (o options) templatePath(module string) string {
	if strings.HasSuffix(o.template, ".json") ||
		strings.ContainsRune(o.template, filepath.Separator) {
		return o.template
	}
	return filepath.Join(module, "infra", "testdata", o.template+".template.json")
}

// seedPath returns the path of the seed that -seed names.
func (o options) seedPath(module string) string {
	if o.seed != "" {
		return o.seed
	}
	return filepath.Join(module, "localstack", "seed.json")
}
