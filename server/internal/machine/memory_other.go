//go:build !linux && !darwin && !windows

package machine

import "io/fs"

// physical is 0: how much memory the machine has is not known.
func physical(fs.FS) int64 { return 0 }
