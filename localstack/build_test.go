package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// writeModule makes a module with two small commands.
func writeModule(t *testing.T) string {
	t.Helper()
	module := t.TempDir()
	for name, content := range map[string]string{
		"go.mod":               "module sample\n\ngo 1.26\n",
		"functions/a/main.go":  "package main\n\nfunc main() { println(\"a\") }\n",
		"functions/bb/main.go": "package main\n\nfunc main() { println(\"bb\") }\n",
	} {
		writeFile(t, filepath.Join(module, name), content)
	}
	return module
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFunctionsAreBuiltAndStay(t *testing.T) {
	module, output := writeModule(t), t.TempDir()
	folders := []string{"functions/a", "functions/bb"}
	var stderr bytes.Buffer
	b := builder{module: module, output: output, stderr: &stderr}
	paths, err := b.build(t.Context(), folders)
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	wantAll(t, stderr.String(),
		"built a ", "built bb ", "2 functions ready in", ", 0 of them as they were")
	out, err := exec.CommandContext(t.Context(), paths["functions/bb"]).CombinedOutput()
	if err != nil || string(out) != "bb\n" {
		t.Errorf("functions/bb printed %q (%v)", out, err)
	}

	stderr.Reset()
	writeFile(t, filepath.Join(module, "functions/a/main.go"),
		"package main\n\nfunc main() { println(\"new\") }\n")
	if _, err := b.build(t.Context(), folders); err != nil {
		t.Fatal(err)
	}
	wantAll(t, stderr.String(), "built a ", ", 1 of them as they were")
	if strings.Contains(stderr.String(), "built bb ") {
		t.Errorf("after a change of functions/a the build printed %q", stderr.String())
	}
}

// wantAll checks that the output holds each of the texts.
func wantAll(t *testing.T, output string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(output, text) {
			t.Errorf("the output is %q, which does not hold %q", output, text)
		}
	}
}

func TestErrorsOfTheCompilerAreShownAsTheyAre(t *testing.T) {
	module := writeModule(t)
	writeFile(t, filepath.Join(module, "functions/a/main.go"),
		"package main\n\nfunc main() { undefined() }\n")
	var stderr bytes.Buffer
	b := builder{module: module, output: t.TempDir(), stderr: &stderr}
	_, err := b.build(t.Context(), []string{"functions/a"})
	if err == nil || !strings.Contains(err.Error(), "build the functions") {
		t.Errorf("error %v", err)
	}
	wantAll(t, stderr.String(),
		"# sample/functions/a\n", "functions/a/main.go:3:15: undefined: undefined\n")
}

func TestABuildEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := builder{module: writeModule(t), output: t.TempDir(), stderr: new(bytes.Buffer)}
	_, err := b.build(ctx, []string{"functions/a"})
	if err == nil || ctx.Err() == nil {
		t.Errorf("error %v, want the context's", err)
	}
}

func TestFoldersThatCannotBeBuilt(t *testing.T) {
	for _, tt := range []struct {
		name    string
		folders []string
		want    string
	}{
		{"outside of the module", []string{"../functions/a"}, "not a folder of the module"},
		{"absolute", []string{"/functions/a"}, "not a folder of the module"},
		{"the module itself", []string{"."}, "not a folder of the module"},
		{
			"two of one name",
			[]string{"functions/a", "others/a"},
			"functions/a and others/a would have the same name",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := builder{module: t.TempDir(), output: t.TempDir(), stderr: new(bytes.Buffer)}
			_, err := b.build(t.Context(), tt.folders)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestOutsideOfAModuleTheErrorSaysWhatToDo(t *testing.T) {
	t.Chdir(t.TempDir())
	_, err := moduleRoot(t.Context())
	if err == nil || !strings.Contains(err.Error(), "inside the repository of the stack") {
		t.Errorf("error %v", err)
	}
}

func TestOnATerminalProgressIsOneLineThatChanges(t *testing.T) {
	var stderr bytes.Buffer
	executable := filepath.Join(t.TempDir(), "a")
	p := newProgress(&stderr, map[string]string{"functions/a": executable})
	p.mu.Lock()
	p.terminal = true
	p.mu.Unlock()
	for _, text := range []string{
		"go: downloading example.com/m v1.0.0\nexample.com/", "m/inner\n",
		"# sample\nmain.go:1:1: bad\n",
	} {
		if _, err := p.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	p.end(false)
	got := stderr.String()
	wantAll(t, got, clearLine+"building functions: 0 of 1, 0 s example.com/m/inner",
		clearLine+"main.go:1:1: bad\n")
	if strings.Contains(got, "ready") {
		t.Errorf("a failed build printed %q", got)
	}
}
