package lambda

import "syscall"

// attributes puts a process into a group of its own: a Ctrl-C reaches only the local cloud, which
// then ends its functions in order. It also has the kernel kill the process if the local cloud dies
// without doing so. The kernel watches the thread that started the process, not the whole program.
// Go ends a thread early only if a goroutine exits while locked to it, and no goroutine here locks.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
