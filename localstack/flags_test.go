package main

import (
	"bytes"
	"errors"
	"flag"
	"path/filepath"
	"strings"
	"testing"
)

func TestMistakesInFlagsAreExplained(t *testing.T) {
	for _, tt := range []struct {
		name   string
		args   []string
		err    error
		stderr string
	}{
		{"none", nil, nil, ""},
		{"all", []string{
			"-listen", ":0", "-aws", ":0", "-template", "x", "-seed", "y", "-v", "-json", "-curl",
			"-faults", "z", "-speed", "60",
		}, nil, ""},
		{"help", []string{"-h"}, flag.ErrHelp, "Runs the stack on this machine"},
		{
			"an unknown flag",
			[]string{"-port", "1"},
			errUsage,
			"flag provided but not defined: -port",
		},
		{"no speed", []string{"-speed", "0"}, errUsage, "-speed must be a number above 0"},
		{
			"not even a number",
			[]string{"-speed", "NaN"},
			errUsage,
			"-speed must be a number above 0",
		},
		{"words", []string{"start"}, errUsage, `localstack takes flags only, not "start"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stderr bytes.Buffer
			_, err := parseFlags(tt.args, &stderr)
			if !errors.Is(err, tt.err) || !strings.Contains(stderr.String(), tt.stderr) {
				t.Errorf("error %v, printed %q", err, stderr.String())
			}
		})
	}
}

func TestFlagsHaveDefaults(t *testing.T) {
	o, err := parseFlags(nil, new(bytes.Buffer))
	if err != nil {
		t.Fatal(err)
	}
	if o.listen != "127.0.0.1:8080" || o.aws != "127.0.0.1:4566" {
		t.Errorf("listens on %s and %s", o.listen, o.aws)
	}
	template := filepath.FromSlash("/m/infra/testdata/webhooks.template.json")
	if got := o.templatePath("/m"); got != template {
		t.Errorf("template %s", got)
	}
	if got := o.seedPath("/m"); got != filepath.FromSlash("/m/localstack/seed.json") {
		t.Errorf("seed %s", got)
	}
}

func TestATemplateIsANameOrAPath(t *testing.T) {
	for given, want := range map[string]string{
		"named":                      "/m/infra/testdata/named.template.json",
		"mine.json":                  "mine.json",
		"cdk.out/Hark.template.json": "cdk.out/Hark.template.json",
		"./other":                    "./other",
	} {
		if got := (options{template: given}).templatePath("/m"); got != want {
			t.Errorf("-template %s means %s, want %s", given, got, want)
		}
	}
}

func TestTheSeedHasTheLocalApp(t *testing.T) {
	s, err := readSeed("seed.json")
	if err != nil {
		t.Fatal(err)
	}
	want := app{ID: "local", Key: "local-key", Secret: "local-secret"}
	if got, err := s.app(); err != nil || got != want {
		t.Errorf("app %+v (%v), want %+v", got, err, want)
	}
}

func TestASeedWithoutAnAppIsRefused(t *testing.T) {
	s := seed{[]byte(`{"pk": {"S": "key#x"}}`)}
	_, err := s.app()
	if err == nil || !strings.Contains(err.Error(), "none of its items is an app") {
		t.Errorf("error %v", err)
	}
}
