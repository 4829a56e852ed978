package main

import (
	"net/http/httptest"
	"strings"
	"testing"

	"hark/localstack/cloud/dynamodb"
	"hark/shared/config"
)

// command returns scripts/app as a user would run it against the local cloud: the SDK's own variables say where it is.
func command(t *testing.T) func(args ...string) (string, error) {
	t.Helper()
	db := dynamodb.New(dynamodb.Options{Region: "us-east-1", Account: "000000000000"})
	err := db.Create(dynamodb.TableSpec{
		TableName:            "apps",
		KeySchema:            []dynamodb.KeyElement{{AttributeName: "pk", KeyType: "HASH"}},
		AttributeDefinitions: []dynamodb.AttributeDefinition{{AttributeName: "pk", AttributeType: "S"}},
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
		err := run(t.Context(), args, func(name string) string { return map[string]string{config.AppsTable: "apps"}[name] }, &out)
		return out.String(), err
	}
}

func TestAddAndList(t *testing.T) {
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
	if env["REVERB_APP_ID"] != "shop" || len(env["REVERB_APP_KEY"]) < 20 || len(env["REVERB_APP_SECRET"]) < 20 {
		t.Errorf("add printed %q", added)
	}
	listed, err := command("list")
	if err != nil || listed != "shop\t"+env["REVERB_APP_KEY"]+"\tenabled\n" {
		t.Errorf("list printed %q, error %v", listed, err)
	}
	if strings.Contains(listed, env["REVERB_APP_SECRET"]) {
		t.Error("list shows the secret")
	}
	if _, err := command("add", "-id", "shop"); err == nil || !strings.Contains(err.Error(), "ID shop exists") {
		t.Errorf("the same ID again: %v", err)
	}
}

func TestShowAndSet(t *testing.T) {
	command := command(t)
	added, err := command("add", "-id", "shop")
	if err != nil {
		t.Fatal(err)
	}
	shows := func(want ...string) {
		t.Helper()
		out, err := command("show", "-id", "shop")
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range want {
			if !strings.Contains(out, line+"\n") {
				t.Errorf("show lacks %q:\n%s", line, out)
			}
		}
		_, secret, _ := strings.Cut(strings.TrimSpace(added), "SECRET=")
		if strings.Contains(out, secret) {
			t.Error("show shows the secret")
		}
	}
	set := func(args ...string) {
		t.Helper()
		if out, err := command(append([]string{"set", "-id", "shop"}, args...)...); err != nil || out != "" {
			t.Errorf("set %q printed %q, error %v", args, out, err)
		}
	}
	shows("enabled=true", "allowed_origins=", "max_connections=0", "rate_limiting.max_attempts=60", "max_event_payload_in_kb=10")
	set("enabled=false", "allowed_origins=*.example.com,localhost", "rate_limiting.max_attempts=5")
	shows("enabled=false", "allowed_origins=*.example.com,localhost", "rate_limiting.max_attempts=5", "rate_limiting.decay_seconds=60")
	if listed, err := command("list"); err != nil || !strings.HasSuffix(listed, "\tdisabled\n") {
		t.Errorf("list printed %q, error %v", listed, err)
	}
	set(`webhooks=[{"url":"https://example.com/hook?a=1&b=2","event_types":["channel_occupied"]}]`)
	shows(`webhooks=[{"url":"https://example.com/hook?a=1&b=2","event_types":["channel_occupied"]}]`)
	set("webhooks=", "enabled=", "allowed_origins=", "rate_limiting.max_attempts=")
	shows("enabled=true", "allowed_origins=", "rate_limiting.max_attempts=60", "webhooks=")

	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"an app that is not there", []string{"set", "-id", "other", "enabled=true"}, `no such app: "other"`},
		{"an app that cannot be shown", []string{"show", "-id", "other"}, `no such app: "other"`},
		{"no app", []string{"show"}, `no such app: ""`},
		{"no setting", []string{"set", "-id", "shop"}, "set what? scripts/app show -id shop"},
		{"a setting without a value", []string{"set", "-id", "shop", "enabled"}, `"enabled" is not SETTING=VALUE`},
		{"a value that is none", []string{"set", "-id", "shop", "enabled=yes"}, `enabled is "yes", it must be true or false`},
		{"an unknown setting", []string{"set", "-id", "shop", "max_conections=5"}, `there is no setting "max_conections"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := command(c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q in it", err, c.want)
			}
		})
	}
}

func TestMistakesAreTold(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"no command", nil, "usage: scripts/app"},
		{"no table", []string{"list"}, "AppsTable"},
		{"an unknown command", []string{"remove", "-table", "apps"}, `"remove" is none of add, list, show and set`},
		{"an unknown flag", []string{"list", "-secret"}, "-secret"},
		{"an app without its flag", []string{"show", "-table", "apps", "shop"}, `"shop" is too much`},
		{"an ID that would split a key", []string{"add", "-table", "apps", "-id", "a#b"}, `"a#b"`},
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
