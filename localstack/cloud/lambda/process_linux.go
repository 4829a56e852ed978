package lambda

import "syscall"

// attributes puts a process into a group of its own, so that a Ctrl-C reaches only the local cloud,
// which then ends its functions in order; and lets the kernel kill it should the local cloud die
// without that. The kernel watches the thread that started the process rather than the whole
// program; Go ends a thread early only if a goroutine exits while locked to it, and none here
// locks.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
