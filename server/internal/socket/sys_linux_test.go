package socket

import (
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkSocket writes a small message to a socket and reads it, on far more goroutines than
// processors, with system calls that the scheduler knows of, and with those that it does not.
func BenchmarkSocket(b *testing.B) {
	type call func(fd uintptr, p []byte) (int, error)
	for _, kind := range []struct {
		name        string
		read, write call
	}{
		{"told",
			func(fd uintptr, p []byte) (int, error) { return unix.Read(int(fd), p) },
			func(fd uintptr, p []byte) (int, error) { return unix.Write(int(fd), p) }},
		{"untold", readSocket, writeSocket},
	} {
		b.Run(kind.name, func(b *testing.B) {
			b.SetParallelism(100)
			b.RunParallel(func(pb *testing.PB) {
				fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
				if err != nil {
					b.Error(err)
					return
				}
				defer unix.Close(fds[0])
				defer unix.Close(fds[1])
				p := make([]byte, 64)
				for pb.Next() {
					if n, err := kind.write(uintptr(fds[0]), p); n != len(p) {
						b.Error("write:", n, err)
						return
					}
					if n, err := kind.read(uintptr(fds[1]), p); n != len(p) {
						b.Error("read:", n, err)
						return
					}
				}
			})
		})
	}
}
