package machine

import "io/fs"

// physical is how much memory the machine has, 0 if nobody knows.
func physical(root fs.FS) int64 { return memInfo(root) }
