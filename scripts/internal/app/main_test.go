package main

import (
	"net/http/httptest"
	"strings"
	"testing"

	"hark/localstack/dynamodb"
	"hark/shared/config"
)

// TestAddAndList runs the command as a user would against the local cloud: the SDK's own variables say where it is.
func TestAddAndList(t *testing.T) {
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
	command := func(args ...string) (string, error) {
		var out strings.Builder
		err := run(t.Context(), args, func(name string) string { return map[string]string{config.AppsTable: "apps"}[name] }, &out)
		return out.String(), err
	}
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

func TestMistakesAreTold(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"no command", nil, "usage: scripts/app"},
		{"no table", []string{"list"}, "AppsTable"},
		{"an unknown command", []string{"remove", "-table", "apps"}, `"remove" is neither add nor list`},
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
