//go:build unix

package machine

import (
	"math"
	"syscall"
)

// Files is how many files the process may have open, 0 for no limit that anybody could name. The Go
// runtime has raised the limit as far as it may by itself.
func Files() int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil || uint64(limit.Cur) > math.MaxInt32 {
		return 0
	}
	return int(limit.Cur)
}
