package main

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCLISynthesizesTheGoldenTemplate runs what a user types, build included: the settings of cdk.json must not add
// anything to the template that the other tests have not seen.
func TestCLISynthesizesTheGoldenTemplate(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: npx cdk synth builds every function")
	}
	if _, err := os.Stat("../node_modules/aws-cdk"); errors.Is(err, fs.ErrNotExist) {
		t.Skip("npx cdk synth not checked: no node_modules; run npm ci")
	}
	out := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "npx", "--no-install", "cdk", "synth", "--quiet", "--output", out)
	cmd.Dir = ".."
	if log, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	got, err := os.ReadFile(filepath.Join(out, "Hark.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(defaultGolden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(blank(t, got))); diff != "" {
		t.Errorf("npx cdk synth differs from %s:\n%s", defaultGolden, diff)
	}
}
