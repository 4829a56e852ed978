//go:build unix && !linux

package lambda

import "syscall"

// attributes puts a process into a group of its own: a Ctrl-C reaches only the local cloud, which
// then ends its functions in order.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
