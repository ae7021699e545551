//go:build !unix

package accepted

import "syscall"

// hasBacklog is not known here.
func hasBacklog(syscall.RawConn) bool { return false }
