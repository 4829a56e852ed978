package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden templates in testdata")

// form is one of the stacks that the context chooses between.
type form struct {
	name      string         // of its golden template: testdata/{name}.template.json
	context   map[string]any // that chooses it
	functions []string       // the folders of functions/ that it deploys
}

func (f form) golden() string { return filepath.Join("testdata", f.name+".template.json") }

func forms() []form {
	always := []string{"connect", "message", "disconnect", "api", "broadcast", "sweep"}
	return []form{
		{"default", nil, always},
		{
			"named",
			map[string]any{"routes": "named"},
			slices.Concat(always, []string{"subscribe", "auth"}),
		},
		{
			"webhooks",
			map[string]any{"webhooks": true},
			slices.Concat(always, []string{"webhook", "publish"}),
		},
	}
}

// inEachForm runs a test on every golden template.
func inEachForm(t *testing.T, test func(*testing.T, form, template)) {
	t.Helper()
	for _, f := range forms() {
		t.Run(f.name, func(t *testing.T) { test(t, f, golden(t, f.name)) })
	}
}

func TestTemplatesAreGolden(t *testing.T) {
	for _, f := range forms() {
		t.Run(f.name, func(t *testing.T) {
			got := blank(t, synth(t, f.context))
			if *update {
				if err := os.WriteFile(f.golden(), got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(f.golden())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("the template differs from %s; if that is intended: "+
					"go test ./infra -update\n%s", f.golden(), diff)
			}
		})
	}
}

// synth returns the template of the app with the given context, as the CDK writes it. The functions
// are placeholders: their hashes are all that they add to a template.
func synth(t *testing.T, context map[string]any) []byte {
	t.Helper()
	out := t.TempDir()
	app := awscdk.NewApp(&awscdk.AppProps{
		Outdir: &out, Context: &context, AnalyticsReporting: new(bool),
	})
	props, err := propsFromContext(app.Node())
	if err != nil {
		t.Fatal(err)
	}
	props.Dist = placeholders(t)
	stack := NewHarkStack(app, stackName(props.Stage), props)
	app.Synth(nil)
	template, err := os.ReadFile(filepath.Join(out, *stack.TemplateFile()))
	if err != nil {
		t.Fatal(err)
	}
	return template
}

func placeholders(t *testing.T) string {
	t.Helper()
	dist := t.TempDir()
	for _, f := range forms() {
		for _, name := range f.functions {
			dir := filepath.Join(dist, name)
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			bootstrap := filepath.Join(dir, "bootstrap")
			if err := os.WriteFile(bootstrap, []byte(name), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dist
}

// blank takes out of a template what depends on the bytes of the functions, and writes it in one
// fixed form.
func blank(t *testing.T, template []byte) []byte {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(template, &v); err != nil {
		t.Fatal(err)
	}
	for _, r := range v["Resources"].(map[string]any) {
		r := r.(map[string]any)
		if r["Type"] == "AWS::Lambda::Function" {
			code := r["Properties"].(map[string]any)["Code"].(map[string]any)
			maps.Copy(code, map[string]any{"S3Bucket": "assets", "S3Key": "blank.zip"})
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
