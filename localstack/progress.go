package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// progress shows how the build of the functions proceeds. It is the standard error of "go build
// -v", which prints each package that it compiles, and the compiler's errors. On a terminal
// progress shows the current package in one line that it redraws; it passes errors on unchanged. A
// function is finished when its executable is a new file; go does not replace one that is up to
// date.
type progress struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	began    time.Time
	line     []byte                 // an incomplete line of go's output
	compiled bool                   // whether go has compiled any package
	current  string                 // the package that go compiles now
	before   map[string]fs.FileInfo // old executables, by path; nil if there was none
	finished map[string]bool        // paths of new executables
	stop     chan struct{}
	stopped  sync.WaitGroup
}

// newProgress watches the paths of the executables, given by the folder that each is built from.
// The caller must call end.
func newProgress(w io.Writer, executables map[string]string) *progress {
	p := &progress{
		w: w, terminal: isTerminal(w), began: time.Now(),
		before: make(map[string]fs.FileInfo), finished: make(map[string]bool),
		stop: make(chan struct{}),
	}
	for _, path := range executables {
		p.before[path], _ = os.Stat(path)
	}
	p.stopped.Go(p.watch)
	return p
}

// watch reports finished functions, ten times a second, until end is called.
func (p *progress) watch() {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-tick.C:
			p.mu.Lock()
			p.reportFinished()
			p.redraw()
			p.mu.Unlock()
		}
	}
}

// reportFinished prints the functions that were finished since its last call.
func (p *progress) reportFinished() {
	for _, path := range slices.Sorted(maps.Keys(p.before)) {
		if p.finished[path] {
			continue
		}
		now, err := os.Stat(path)
		if err == nil && (p.before[path] == nil || !os.SameFile(p.before[path], now)) {
			p.finished[path] = true
			seconds := time.Since(p.began).Seconds()
			p.print(fmt.Sprintf("built %-12s %5.1f s\n", filepath.Base(path), seconds))
		}
	}
}

// Write receives go's standard error.
func (p *progress) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line = append(p.line, data...)
	for {
		i := bytes.IndexByte(p.line, '\n')
		if i < 0 {
			return len(data), nil
		}
		p.handleLine(string(p.line[:i+1]))
		p.line = p.line[i+1:]
	}
}

// handleLine shows the line's package as the current one, or prints the line if it is no package.
func (p *progress) handleLine(line string) {
	text := strings.TrimSpace(line)
	switch {
	case strings.HasPrefix(text, "go: downloading "):
		p.current = strings.TrimPrefix(text, "go: ")
	case text != "" && !strings.ContainsAny(text, " \t:"): // an import path
		if !p.compiled && !p.terminal {
			p.print("building functions; the first time this takes a minute\n")
		}
		p.compiled = true
		p.current = text
	default:
		p.print(line)
		return
	}
	p.redraw()
}

// end stops watching. If the build succeeded, it prints a summary.
func (p *progress) end(ok bool) {
	close(p.stop)
	p.stopped.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reportFinished()
	if len(p.line) > 0 {
		p.print(string(p.line) + "\n")
	}
	p.print("") // clears the line that changes
	if ok {
		fmt.Fprintf(p.w, "%d functions ready in %.1f s, %d of them as they were\n",
			len(p.before), time.Since(p.began).Seconds(), len(p.before)-len(p.finished))
	}
}

// clearLine moves a terminal's cursor to the start of its line and erases the line.
const clearLine = "\r\x1b[K"

// print writes text that stays. On a terminal it replaces the line that changes.
func (p *progress) print(text string) {
	if p.terminal {
		text = clearLine + text
	}
	_, _ = io.WriteString(p.w, text)
}

// redraw writes the line that changes. It does so only on a terminal.
func (p *progress) redraw() {
	if p.terminal {
		fmt.Fprintf(p.w, "%sbuilding functions: %d of %d, %.0f s %.60s",
			clearLine, len(p.finished), len(p.before), time.Since(p.began).Seconds(), p.current)
	}
}

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
