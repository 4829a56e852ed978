package lambda

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"hark/localstack/cloud/meter"
)

const (
	// kept of what a process printed in its current invocation; a longer line is cut
	keepBytes = 64 << 10
	tailBytes = 4 << 10 // most bytes of X-Amz-Log-Result
	flushMark = "\x00flush\x00"
)

// console is the writer that all functions print to, a whole line at a time.
type console struct {
	mu sync.Mutex
	w  io.Writer
}

func (c *console) print(function string, line []byte) {
	b := make([]byte, 0, len(function)+len(line)+4)
	b = append(append(append(append(b, function...), " | "...), line...), '\n')
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _ = c.w.Write(b) // there is nowhere to report an error
}

// output is what one process prints: standard output and error together, as CloudWatch gets them.
// It keeps the last lines and shows them if the process crashes.
type output struct {
	function string
	console  *console
	meter    *meter.Meter
	// w stays open here too: flush writes a mark to it
	r, w *os.File
	read chan struct{} // closed when the pipe has ended

	mu      sync.Mutex
	showAll bool
	partial []byte // the line that is not complete yet
	lines   []line // of the current invocation
	size    int    // of lines, in bytes
	flushed chan struct{}
}

type line struct {
	text  []byte
	shown bool
}

func newOutput(f *function) *output {
	return &output{
		function: f.spec.FunctionName,
		console:  &f.service.console,
		meter:    f.service.opts.Meter,
		showAll:  f.service.opts.Verbose,
		read:     make(chan struct{}),
	}
}

// open makes the pipe and starts to read it, until close.
func (o *output) open() (err error) {
	if o.r, o.w, err = pipe(); err != nil {
		return err
	}
	go func() {
		defer close(o.read)
		buf := make([]byte, 32<<10)
		for {
			n, err := o.r.Read(buf)
			o.add(buf[:n])
			if err != nil {
				return
			}
		}
	}()
	return nil
}

// close reads the rest of a process that has ended. A child that it left behind may hold the pipe
// open; close waits for it no longer than grace.
func (o *output) close() {
	_ = o.w.Close()
	_ = o.r.SetReadDeadline(time.Now().Add(grace))
	<-o.read
	_ = o.r.Close()
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.partial) > 0 {
		o.endLine()
	}
}

func (o *output) add(b []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bill(len(b))
	for len(b) > 0 {
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			o.partial = append(o.partial, b...)
			if len(o.partial) >= keepBytes {
				o.endLine()
			}
			return
		}
		o.partial = append(o.partial, b[:end]...)
		b = b[end+1:]
		if o.flushed != nil && bytes.HasSuffix(o.partial, []byte(flushMark)) {
			o.partial = o.partial[:len(o.partial)-len(flushMark)]
			o.bill(-len(flushMark) - 1)
			close(o.flushed)
			o.flushed = nil
			if len(o.partial) == 0 {
				continue
			}
		}
		o.endLine()
	}
}

// bill counts the bytes that CloudWatch would take in.
func (o *output) bill(bytes int) {
	o.meter.Add(
		meter.LogBytes, meter.By{Function: o.function, Operation: "PutLogEvents"}, float64(bytes),
	)
}

// endLine shows the complete line if it is to be shown, and keeps it.
func (o *output) endLine() {
	l := line{text: bytes.Clone(o.partial)}
	o.partial = o.partial[:0]
	if l.shown = o.showAll || isWarning(l.text); l.shown {
		o.console.print(o.function, l.text)
	}
	o.lines = append(o.lines, l)
	o.size += len(l.text)
	for o.size > keepBytes && len(o.lines) > 1 {
		o.size -= len(o.lines[0].text)
		o.lines = o.lines[1:]
	}
}

// begin drops the lines of the previous invocation.
func (o *output) begin() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines, o.size = o.lines[:0], 0
}

// show prints those kept lines that were not shown yet.
func (o *output) show() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.showKept()
}

// crash shows the last lines of a process that has ended, and how it ended.
func (o *output) crash(how string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.showKept()
	o.console.print(o.function, []byte(how))
}

func (o *output) showKept() {
	for i := range o.lines {
		if !o.lines[i].shown {
			o.lines[i].shown = true
			o.console.print(o.function, o.lines[i].text)
		}
	}
}

// flush waits until everything that the process has printed so far is read. It writes a mark to the
// pipe, which is read after that.
func (o *output) flush() {
	flushed := make(chan struct{})
	o.mu.Lock()
	o.flushed = flushed
	o.mu.Unlock()
	if _, err := o.w.WriteString(flushMark + "\n"); err != nil {
		return // the process has ended; close reads the rest
	}
	select {
	case <-flushed:
	case <-o.read:
	}
}

// last returns the end of what was printed in the current invocation, at most tailBytes.
func (o *output) last() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []byte
	for _, l := range o.lines {
		all = append(append(all, l.text...), '\n')
	}
	return all[max(0, len(all)-tailBytes):]
}

// isWarning reports whether a line is JSON of level WARN or above, as slog and other loggers write
// it.
func isWarning(line []byte) bool {
	if len(line) == 0 || line[0] != '{' {
		return false
	}
	var entry struct {
		Level string `json:"level"`
	}
	for _, level := range []string{"WARN", "ERROR", "FATAL"} {
		if !bytes.Contains(line, []byte(level)) { // skip the parsing of most lines
			continue
		}
		if json.Unmarshal(line, &entry) == nil && strings.HasPrefix(entry.Level, level) {
			return true
		}
	}
	return false
}
