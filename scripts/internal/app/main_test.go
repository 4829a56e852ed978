package main

import (
	"net/http/httptest"
	"strings"
	"testing"

	"hark/localstack/cloud/dynamodb"
	"hark/shared/config"
)

// command returns scripts/app as a user runs it against the local cloud: the SDK's own variables
// have its address.
func command(t *testing.T) func(args ...string) (string, error) {
	t.Helper()
	db := dynamodb.New(dynamodb.Options{Region: "us-east-1", Account: "000000000000"})
	key := []dynamodb.KeyElement{{AttributeName: "pk", KeyType: "HASH"}}
	attributes := []dynamodb.AttributeDefinition{{AttributeName: "pk", AttributeType: "S"}}
	err := db.Create(dynamodb.TableSpec{
		TableName: "apps", KeySchema: key, AttributeDefinitions: attributes,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(db)
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	return func(args ...string) (string, error) {
		var out strings.Builder
		env := map[string]string{config.AppsTable: "apps"}
		err := run(t.Context(), args, func(name string) string { return env[name] }, &out)
		return out.String(), err
	}
}

func TestAddPrintsTheSecretAndListDoesNot(t *testing.T) {
	command := command(t)
	added, err := command("add", "-id", "shop")
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for line := range strings.Lines(added) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			env[name] = value
		}
	}
	key, secret := env["REVERB_APP_KEY"], env["REVERB_APP_SECRET"]
	if env["REVERB_APP_ID"] != "shop" || len(key) < 20 || len(secret) < 20 {
		t.Errorf("add printed %q", added)
	}
	listed, err := command("list")
	if err != nil || listed != "shop\t"+key+"\tenabled\n" {
		t.Errorf("list printed %q, error %v", listed, err)
	}
	if strings.Contains(listed, secret) {
		t.Error("list shows the secret")
	}
	_, err = command("add", "-id", "shop")
	if err == nil || !strings.Contains(err.Error(), "ID shop exists") {
		t.Errorf("the same ID again: %v", err)
	}
}

func TestShowPrintsWhatSetChanged(t *testing.T) {
	command := command(t)
	added, err := command("add", "-id", "shop")
	if err != nil {
		t.Fatal(err)
	}
	_, secret, _ := strings.Cut(strings.TrimSpace(added), "SECRET=")
	const hooks = `webhooks=[{"url":"https://example.com/?a=1&b=2","event_types":["cache_miss"]}]`
	defaults := []string{
		"enabled=true", "allowed_origins=", "max_connections=0", "rate_limiting.max_attempts=60",
		"max_event_payload_in_kb=10", "webhooks=",
	}
	for _, step := range []struct{ set, show []string }{
		{nil, defaults},
		{
			[]string{"enabled=false", "allowed_origins=*.example.com,localhost", hooks},
			[]string{"enabled=false", "allowed_origins=*.example.com,localhost", hooks},
		},
		{
			[]string{"rate_limiting.max_attempts=5"},
			[]string{"rate_limiting.max_attempts=5", "rate_limiting.decay_seconds=60", hooks},
		},
		{
			[]string{"enabled=", "allowed_origins=", "rate_limiting.max_attempts=", "webhooks="},
			defaults,
		},
	} {
		if step.set != nil {
			out, err := command(append([]string{"set", "-id", "shop"}, step.set...)...)
			if err != nil || out != "" {
				t.Errorf("set %q printed %q, error %v", step.set, out, err)
			}
		}
		out, err := command("show", "-id", "shop")
		if err != nil || strings.Contains(out, secret) {
			t.Errorf("show printed, perhaps with the secret, error %v:\n%s", err, out)
		}
		for _, line := range step.show {
			if !strings.Contains(out, line+"\n") {
				t.Errorf("after set %q show lacks %q:\n%s", step.set, line, out)
			}
		}
	}
}

func TestListShowsWhichAppsAreOff(t *testing.T) {
	command := command(t)
	for _, args := range []string{"add -id shop", "set -id shop enabled=false"} {
		if _, err := command(strings.Fields(args)...); err != nil {
			t.Fatal(err)
		}
	}
	if listed, err := command("list"); err != nil || !strings.HasSuffix(listed, "\tdisabled\n") {
		t.Errorf("list printed %q, error %v", listed, err)
	}
}

func TestShowAndSetRefuseWhatTheyDoNotKnow(t *testing.T) {
	command := command(t)
	if _, err := command("add", "-id", "shop"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args string // with spaces between them
		want string
	}{
		{"set, an unknown app", "set -id other enabled=true", `no such app: "other"`},
		{"show, an unknown app", "show -id other", `no such app: "other"`},
		{"no app", "show", `no such app: ""`},
		{"no setting", "set -id shop", "set what? scripts/app show -id shop"},
		{"no value", "set -id shop enabled", `"enabled" is not SETTING=VALUE`},
		{"another value", "set -id shop enabled=yes", `enabled is "yes", it must be true or false`},
		{"an unknown setting", "set -id shop max_conections=5", `no setting "max_conections"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := command(strings.Fields(c.args)...)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q in it", err, c.want)
			}
		})
	}
}

func TestMistakesInTheCommandLineAreExplained(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"no command", nil, "usage: scripts/app"},
		{"no table", []string{"list"}, "AppsTable"},
		{"an unknown command", []string{"remove", "-table", "apps"}, `"remove" is none of add`},
		{"an unknown flag", []string{"list", "-secret"}, "-secret"},
		{"an ID without -id", []string{"show", "-table", "apps", "shop"}, `"shop" is too much`},
		{"an ID that cannot be in a key", []string{"add", "-table", "apps", "-id", "a#b"}, `"a#b"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("AWS_REGION", "us-east-1")
			err := run(t.Context(), c.args, func(string) string { return "" }, &strings.Builder{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q in it", err, c.want)
			}
		})
	}
}
