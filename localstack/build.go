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

// moduleRoot returns the root of the module that holds the working directory. The template is read
// from that module, and the functions are built from it.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf(
			"go env GOMOD (the local cloud builds the functions with go): %w", err)
	}
	file := strings.TrimSpace(string(out))
	if file == "" || file == os.DevNull {
		return "", errors.New("there is no go.mod here or above: " +
			"run the local cloud inside the repository of the stack")
	}
	return filepath.Dir(file), nil
}

// builder compiles a stack's functions for this machine.
type builder struct {
	module string    // folder of go.mod
	output string    // folder of the executables, which stay there for the next build
	stderr io.Writer // receives progress and the compiler's errors
}

// cacheFolder returns the folder for the executables of a module's functions. Each module on this
// machine has a folder of its own.
func cacheFolder(module string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a folder for the functions: %w", err)
	}
	return filepath.Join(cache, "hark", "functions", shortHash(module)), nil
}

// build compiles the packages, which are named by their folders in the module, and returns the path
// of each executable. One call of go builds all of them, so that it compiles the packages that they
// share only once. The flags that change what a function does are the same as for a deployment. The
// flag -trimpath is left out: it changes only the file names in an executable, and go would have to
// compile the standard library a second time.
func (b builder) build(ctx context.Context, sources []string) (map[string]string, error) {
	paths, err := b.paths(sources)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(b.output, 0o755); err != nil {
		return nil, fmt.Errorf("make a folder for the functions: %w", err)
	}
	args := []string{
		"build", "-v", "-buildvcs=false", "-tags", "lambda.norpc", "-ldflags", "-s -w",
		"-o", b.output + string(filepath.Separator),
	}
	for _, source := range sources {
		args = append(args, "./"+filepath.ToSlash(source))
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = b.module
	// On an interrupt go ends its compilers too.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
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

// paths returns the path at which each package's executable will be, by the package's folder.
func (b builder) paths(sources []string) (map[string]string, error) {
	paths := make(map[string]string, len(sources))
	sourceOf := make(map[string]string) // by name of the executable
	for _, source := range sources {
		name := filepath.Base(source)
		if !filepath.IsLocal(source) || name == "." {
			return nil, fmt.Errorf("build the functions: %q is not a folder of the module", source)
		}
		if other, ok := sourceOf[name]; ok && other != source {
			return nil, fmt.Errorf("build the functions: %s and %s would have the same name",
				other, source)
		}
		sourceOf[name] = source
		paths[source] = filepath.Join(b.output, name)
	}
	return paths, nil
}

// shortHash returns twelve hexadecimal digits of the text's hash, to name a folder after a long
// path.
func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:6])
}
