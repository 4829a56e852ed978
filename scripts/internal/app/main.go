// Command app adds apps to the table of apps, lists them, and shows and changes their settings. Run
// it as scripts/app; docs/settings.md describes it.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"hark/shared/config"
	"hark/shared/dynamo"
	"hark/shared/pusher"
	"hark/shared/settings"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "scripts/app:", err)
		os.Exit(1)
	}
}

const usage = `usage: scripts/app add [-id ID] [-table NAME]
       scripts/app list [-table NAME]
       scripts/app set -id ID [-table NAME] SETTING=VALUE ...
       scripts/app show -id ID [-table NAME]`

func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(io.Discard) // main prints the error
	table := flags.String("table", getenv(config.AppsTable),
		"the table of apps: the stack output AppsTable")
	id := flags.String("id", "", "the app's ID; of a new one random if empty")
	if err := flags.Parse(args[1:]); err != nil {
		return fmt.Errorf("%w\n%s", err, usage)
	}
	if *table == "" {
		return fmt.Errorf("which table? Give -table or set %s to the stack output AppsTable "+
			"(Hark-Apps on the local cloud)", config.AppsTable)
	}
	if args[0] != "set" && flags.NArg() > 0 {
		return fmt.Errorf("%q is too much\n%s", flags.Arg(0), usage)
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("load AWS config: %w", err)
	}
	apps := &dynamo.Apps{Client: dynamodb.NewFromConfig(cfg), Table: *table}
	switch args[0] {
	case "add":
		return add(ctx, apps, *id, out)
	case "list":
		return list(ctx, apps, out)
	case "show":
		return show(ctx, apps, *id, out)
	case "set":
		return set(ctx, apps, *id, flags.Args())
	default:
		return fmt.Errorf("%q is none of add, list, show and set\n%s", args[0], usage)
	}
}

// add writes a new app. Nothing else ever prints its secret.
func add(ctx context.Context, apps *dynamo.Apps, id string, out io.Writer) error {
	if id == "" {
		id = strings.ToLower(rand.Text()[:8])
	}
	if !pusher.ValidName(id) {
		return fmt.Errorf("the ID %q is not 1 to %d of A-Z a-z 0-9 _ -", id, pusher.MaxName)
	}
	app := pusher.App{
		ID: id, Key: strings.ToLower(rand.Text()), Secret: strings.ToLower(rand.Text()),
		Settings: settings.Default(),
	}
	if err := apps.Add(ctx, app); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "# The secret is shown only now.\n"+
		"REVERB_APP_ID=%s\nREVERB_APP_KEY=%s\nREVERB_APP_SECRET=%s\n", app.ID, app.Key, app.Secret)
	return err
}

// list prints IDs and keys, never a secret.
func list(ctx context.Context, apps *dynamo.Apps, out io.Writer) error {
	all, err := apps.List(ctx)
	if err != nil {
		return err
	}
	for _, a := range all {
		state := "enabled"
		if a.Disabled {
			state = "disabled"
		}
		if _, err := fmt.Fprintf(out, "%s\t%s\t%s\n", a.ID, a.Key, state); err != nil {
			return err
		}
	}
	return nil
}

// show prints an app's settings in the form that set takes, never its secret.
func show(ctx context.Context, apps *dynamo.Apps, id string, out io.Writer) error {
	app, err := apps.ByID(ctx, id)
	if err != nil {
		return named(id, err)
	}
	if _, err := fmt.Fprintf(out, "# %s, key %s\n", app.ID, app.Key); err != nil {
		return err
	}
	for _, s := range settings.List(app.Settings) {
		if _, err := fmt.Fprintf(out, "%s=%s\n", s.Name, s.Value); err != nil {
			return err
		}
	}
	return nil
}

// set changes the settings that are given as NAME=VALUE. NAME= sets one back to its default.
func set(ctx context.Context, apps *dynamo.Apps, id string, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("set what? scripts/app show -id %s prints the settings\n%s", id, usage)
	}
	changes := make([]settings.Setting, len(args))
	for i, arg := range args {
		name, value, found := strings.Cut(arg, "=")
		if !found {
			return fmt.Errorf("%q is not SETTING=VALUE\n%s", arg, usage)
		}
		changes[i] = settings.Setting{Name: name, Value: value}
	}
	return named(id, apps.Change(ctx, id, changes))
}

// named adds the ID to the error for an unknown app.
func named(id string, err error) error {
	if errors.Is(err, pusher.ErrNoApp) {
		return fmt.Errorf("%w: %q", err, id)
	}
	return err
}
