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

// progress shows how a build of functions goes. It takes what "go build -v" prints: the package that is being compiled,
// which on a terminal is shown in one line that changes, and the compiler's errors, which are passed on as they are. A
// function is finished when its executable is there and is a new file; go leaves one that is up to date where it is.
type progress struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	began    time.Time
	line     []byte                 // begun, its end not seen yet
	compiled bool                   // a package was, so this takes a while
	current  string                 // package being compiled
	before   map[string]fs.FileInfo // by path of an executable; nil if there was none
	finished map[string]bool        // by path
	stop     chan struct{}
	stopped  sync.WaitGroup
}

// newProgress watches executables, by the package that each is built from. The caller ends it.
func newProgress(w io.Writer, executables map[string]string) *progress {
	p := &progress{
		w: w, terminal: isTerminal(w), began: time.Now(),
		before: make(map[string]fs.FileInfo), finished: make(map[string]bool), stop: make(chan struct{}),
	}
	for _, path := range executables {
		p.before[path], _ = os.Stat(path)
	}
	p.stopped.Go(p.watch)
	return p
}

// watch looks every moment whether a function is finished.
func (p *progress) watch() {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-tick.C:
			p.mu.Lock()
			p.look()
			p.redraw()
			p.mu.Unlock()
		}
	}
}

// look reports the functions that were finished since it last looked.
func (p *progress) look() {
	for _, path := range slices.Sorted(maps.Keys(p.before)) {
		if p.finished[path] {
			continue
		}
		now, err := os.Stat(path)
		if err == nil && (p.before[path] == nil || !os.SameFile(p.before[path], now)) {
			p.finished[path] = true
			p.print(fmt.Sprintf("built %-12s %5.1f s\n", filepath.Base(path), time.Since(p.began).Seconds()))
		}
	}
}

// Write takes what go prints on its standard error.
func (p *progress) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line = append(p.line, data...)
	for {
		i := bytes.IndexByte(p.line, '\n')
		if i < 0 {
			return len(data), nil
		}
		p.take(string(p.line[:i+1]))
		p.line = p.line[i+1:]
	}
}

func (p *progress) take(line string) {
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

// end stops watching and, if the build went well, says what was done.
func (p *progress) end(ok bool) {
	close(p.stop)
	p.stopped.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.look()
	if len(p.line) > 0 {
		p.print(string(p.line) + "\n")
	}
	p.print("")
	if ok {
		fmt.Fprintf(p.w, "%d functions ready in %.1f s, %d of them as they were\n",
			len(p.before), time.Since(p.began).Seconds(), len(p.before)-len(p.finished))
	}
}

const clearLine = "\r\x1b[K"

// print writes text that stays, in place of the line that changes.
func (p *progress) print(text string) {
	if p.terminal {
		text = clearLine + text
	}
	_, _ = io.WriteString(p.w, text)
}

// redraw shows, on a terminal only, the line that changes.
func (p *progress) redraw() {
	if p.terminal {
		fmt.Fprintf(p.w, "%sbuilding functions: %d of %d, %.0f s %.60s",
			clearLine, len(p.finished), len(p.before), time.Since(p.began).Seconds(), p.current)
	}
}

// isTerminal reports whether somebody watches w.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
