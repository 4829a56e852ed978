package target_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hark/localstack/e2e/target"
)

func TestOpenReadsTheEnvironment(t *testing.T) {
	env := map[string]string{
		"HARK_URL": "https://ws.example.com", "HARK_APP_ID": "1", "HARK_APP_KEY": "k",
		"HARK_APP_SECRET": "s",
	}
	getenv := func(name string) string { return env[name] }

	got, err := target.Open(t.Context(), target.Options{Getenv: getenv})
	if err != nil {
		t.Fatal(err)
	}
	if got.APIURL != "https://ws.example.com" || got.App.Key != "k" || got.Local() {
		t.Errorf("Open = %+v", got)
	}
	if err := got.Close(); err != nil {
		t.Errorf("Close of a deployment = %v", err)
	}

	env["HARK_TEMPLATE"] = "named"
	_, err = target.Open(t.Context(), target.Options{Getenv: getenv})
	if err == nil || !strings.Contains(err.Error(), "HARK_TEMPLATE") {
		t.Errorf("Open of a deployment with another template = %v", err)
	}

	delete(env, "HARK_TEMPLATE")
	delete(env, "HARK_APP_SECRET")
	_, err = target.Open(t.Context(), target.Options{Getenv: getenv})
	if err == nil || !strings.Contains(err.Error(), "HARK_APP_SECRET") {
		t.Errorf("Open without a secret = %v", err)
	}
}

func TestHarkTemplateChoosesTheTemplate(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the local cloud")
	}
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	env := map[string]string{"HARK_TEMPLATE": "absent"}
	for _, o := range []target.Options{{}, {Template: "elsewhere"}} {
		o.Getenv, o.Log = func(name string) string { return env[name] }, log
		if _, err = target.Open(t.Context(), o); err == nil {
			t.Fatal("there is no such template")
		}
	}
	output, err := os.ReadFile(log.Name())
	if err != nil || strings.Count(string(output), "absent.template.json") != 1 ||
		strings.Count(string(output), "elsewhere.template.json") != 1 {
		t.Errorf("the local clouds printed %q (%v)", output, err)
	}
}

func TestDescendantsFindsAGrandchild(t *testing.T) {
	// two processes: the second is a child of the first
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "cat; true")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := stdin.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := stdout.Read(make([]byte, 1)); err != nil { // cat runs
		t.Fatal(err)
	}
	children, err := target.Descendants(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	var cat *target.Process
	for _, p := range children {
		if p.Parent == cmd.Process.Pid {
			cat = &p
		}
	}
	if cat == nil || !cat.Alive() {
		t.Fatalf("no live process below %d in %v", cmd.Process.Pid, children)
	}
	if err := cat.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if cat.Alive() {
		t.Errorf("%s is still alive", cat)
	}
}
