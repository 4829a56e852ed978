package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// moduleRoot finds the module that the working directory is in: the template is read from it and the functions are built
// from it.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD (the local cloud builds the functions with go): %w", err)
	}
	file := strings.TrimSpace(string(out))
	if file == "" || file == os.DevNull {
		return "", errors.New("there is no go.mod here or above: run the local cloud inside the repository of the stack")
	}
	return filepath.Dir(file), nil
}

// builder compiles a stack's functions for this machine.
type builder struct {
	module string    // folder of go.mod
	output string    // folder of the executables; they are kept, so that the next build has nothing to do
	stderr io.Writer // progress, and what the compiler says
}

// cacheFolder is where the functions of a module are built: a folder of their own for each module on this machine.
func cacheFolder(module string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a folder for the functions: %w", err)
	}
	return filepath.Join(cache, "hark", "functions", shortHash(module)), nil
}

// build compiles the packages, named by their folders in the module, and returns the path of each one's executable. All
// are built by one call of go, which shares their common packages among them. The flags are those of a deployment where
// they change what a function does; -trimpath, which only changes the names of files in it, would make go compile the
// standard library a second time.
func (b builder) build(ctx context.Context, sources []string) (map[string]string, error) {
	paths, err := b.paths(sources)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(b.output, 0o755); err != nil {
		return nil, fmt.Errorf("make a folder for the functions: %w", err)
	}
	args := []string{"build", "-v", "-buildvcs=false", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", b.output + string(filepath.Separator)}
	for _, source := range sources {
		args = append(args, "./"+filepath.ToSlash(source))
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = b.module
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // go takes its compilers down with it
	cmd.WaitDelay = 5 * time.Second

	progress := newProgress(b.stderr, paths)
	cmd.Stderr = progress
	err = cmd.Run()
	progress.end(err == nil)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("build the functions: go build: %w", err)
	}
	return paths, nil
}

// paths says where the executable of each package will be.
func (b builder) paths(sources []string) (map[string]string, error) {
	paths := make(map[string]string, len(sources))
	taken := make(map[string]string)
	for _, source := range sources {
		name := filepath.Base(source)
		if !filepath.IsLocal(source) || name == "." {
			return nil, fmt.Errorf("build the functions: %q is not a folder of the module", source)
		}
		if other, ok := taken[name]; ok && other != source {
			return nil, fmt.Errorf("build the functions: %s and %s would have the same name", other, source)
		}
		taken[name] = source
		paths[source] = filepath.Join(b.output, name)
	}
	return paths, nil
}

// shortHash is a name for a long text.
func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:6])
}
