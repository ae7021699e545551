//go:build unix

package hipflask

import "syscall"

// openFiles is how many files the process may have open. The Go runtime has raised
// the limit as far as it may by itself.
func openFiles() uint64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 0
	}
	return uint64(limit.Cur)
}
