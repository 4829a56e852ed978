// Command app adds apps to the table of apps, and lists them. Run it as scripts/app.
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
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "scripts/app:", err)
		os.Exit(1)
	}
}

const usage = "usage: scripts/app add [-id ID] [-table NAME] | list [-table NAME]"

func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	table := flags.String("table", getenv(config.AppsTable), "the table of apps: the stack output AppsTable")
	id := flags.String("id", "", "the new app's ID; random if empty")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if *table == "" {
		return fmt.Errorf("which table? Give -table or set %s to the stack output AppsTable (Hark-Apps on the local cloud)", config.AppsTable)
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
	default:
		return fmt.Errorf("%q is neither add nor list\n%s", args[0], usage)
	}
}

// add writes a new app. Its secret is shown here and nowhere else.
func add(ctx context.Context, apps *dynamo.Apps, id string, out io.Writer) error {
	if id == "" {
		id = strings.ToLower(rand.Text()[:8])
	}
	if !pusher.ValidName(id) {
		return fmt.Errorf("the ID %q is not 1 to %d of A-Z a-z 0-9 _ -", id, pusher.MaxName)
	}
	app := pusher.App{
		ID: id, Key: strings.ToLower(rand.Text()), Secret: strings.ToLower(rand.Text()), Settings: pusher.DefaultSettings(),
	}
	if err := apps.Add(ctx, app); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "# The secret is shown only now.\nREVERB_APP_ID=%s\nREVERB_APP_KEY=%s\nREVERB_APP_SECRET=%s\n",
		app.ID, app.Key, app.Secret)
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
