package machine

import (
	"io/fs"
	"math"

	"golang.org/x/sys/unix"
)

// physical is how much memory the machine has, 0 if nobody knows.
func physical(fs.FS) int64 {
	n, err := unix.SysctlUint64("hw.memsize")
	if err != nil || n > math.MaxInt64 {
		return 0
	}
	return int64(n)
}
