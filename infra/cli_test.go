package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCLISynthesizesTheGoldenTemplates runs what a user types, build included: the settings of
// cdk.json must not add anything to the template that the other tests have not seen.
func TestCLISynthesizesTheGoldenTemplates(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: npx cdk synth builds every function")
	}
	if _, err := os.Stat("../node_modules/aws-cdk"); errors.Is(err, fs.ErrNotExist) {
		t.Skip("npx cdk synth not checked: no node_modules; run npm ci")
	}
	for _, f := range forms() {
		t.Run(f.name, func(t *testing.T) {
			out := t.TempDir()
			args := []string{"--no-install", "cdk", "synth", "--quiet", "--output", out}
			for key, value := range f.context {
				args = append(args, "--context", fmt.Sprintf("%s=%v", key, value))
			}
			cmd := exec.CommandContext(t.Context(), "npx", args...)
			cmd.Dir = ".."
			if log, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, log)
			}
			got, err := os.ReadFile(filepath.Join(out, "Hark.template.json"))
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(f.golden())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(blank(t, got))); diff != "" {
				t.Errorf("npx cdk synth differs from %s:\n%s", f.golden(), diff)
			}
		})
	}
}
