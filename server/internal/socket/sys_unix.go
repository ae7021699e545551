//go:build unix && !linux

package socket

import "golang.org/x/sys/unix"

// readSocket and writeSocket are one read and one write of a socket that does not block.
func readSocket(fd uintptr, p []byte) (int, error)  { return unix.Read(int(fd), p) }
func writeSocket(fd uintptr, p []byte) (int, error) { return unix.Write(int(fd), p) }
