package target

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Process is one process below the local cloud.
type Process struct {
	PID    int
	Parent int
	Path   string // of its executable
}

func (p Process) String() string { return fmt.Sprintf("%d %s", p.PID, p.Path) }

// Alive reports whether the process still runs the same executable.
func (p Process) Alive() bool {
	now, err := readProcess(p.PID)
	return err == nil && now.Path == p.Path && p.Path != ""
}

// Kill ends the process with SIGKILL, which it cannot handle.
func (p Process) Kill() error { return syscall.Kill(p.PID, syscall.SIGKILL) }

// Descendants lists the processes below pid. It reads /proc, so it fails on systems other than
// Linux.
func Descendants(pid int) ([]Process, error) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	if len(dirs) == 0 {
		return nil, fmt.Errorf("processes below %d: no /proc here", pid)
	}
	below := map[int][]Process{}
	for _, dir := range dirs {
		id, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		if p, err := readProcess(id); err == nil { // otherwise the process has just ended
			below[p.Parent] = append(below[p.Parent], p)
		}
	}
	var all []Process
	for queue := []int{pid}; len(queue) > 0; queue = queue[1:] {
		for _, p := range below[queue[0]] {
			all = append(all, p)
			queue = append(queue, p.PID)
		}
	}
	return all, nil
}

// readProcess reads /proc/PID. The parent is the second field after the name. The name is in
// parentheses, because it may hold any character.
func readProcess(pid int) (Process, error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return Process{}, err
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 2 {
		return Process{}, fmt.Errorf("%s/stat: %q", dir, stat)
	}
	parent, err := strconv.Atoi(fields[1])
	if err != nil {
		return Process{}, err
	}
	path, err := os.Readlink(filepath.Join(dir, "exe"))
	if err != nil {
		path = "" // a zombie process has none
	}
	return Process{PID: pid, Parent: parent, Path: path}, nil
}
