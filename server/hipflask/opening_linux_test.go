package hipflask

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"hipflask/server/socketio"
)

// BenchmarkOpening opens a WebSocket as a browser does, from accept to the answer to CONNECT, and
// closes it. The client is a few system calls and allocates nothing, so the allocations are the
// server's; the time is that of both, and of the kernel.
func BenchmarkOpening(b *testing.B) {
	o := newOpener(b)
	b.ReportAllocs()
	for b.Loop() {
		fd, err := o.open()
		if err != nil {
			b.Fatal(err)
		}
		_ = syscall.Close(fd)
		<-o.gone
	}
}

// BenchmarkClosing has many clients go at once, until the last disconnect handler has run. An
// iteration is one of them.
func BenchmarkClosing(b *testing.B) {
	o := newOpener(b)
	for n := 0; b.Loop(); n++ {
		if n%many > 0 {
			continue
		}
		b.StopTimer()
		var fds []int
		for range many {
			fd, err := o.open()
			if err != nil {
				b.Fatal(err)
			}
			fds = append(fds, fd)
		}
		b.StartTimer()
		for _, fd := range fds {
			_ = syscall.Close(fd)
		}
		for range fds {
			<-o.gone
		}
	}
}

// many is how many clients go at once.
const many = 500

// opener opens connections to a server.
type opener struct {
	to      *syscall.SockaddrInet4
	request []byte
	buf     [4096]byte
	gone    chan struct{} // has one for each client that was disconnected
}

func newOpener(b *testing.B) *opener {
	o := &opener{gone: make(chan struct{}, many)}
	r := start(b, func(app *App) error {
		return app.SocketIO.On("disconnect", func(*socketio.Context) { o.gone <- struct{}{} })
	}, nil)
	at, err := url.Parse(r.url)
	if err != nil {
		b.Fatal(err)
	}
	port, err := strconv.Atoi(at.Port())
	if err != nil {
		b.Fatal(err)
	}
	o.to = &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
	o.request = []byte(strings.ReplaceAll(fmt.Sprintf(`GET /socket.io/?EIO=4&transport=websocket HTTP/1.1
Host: %[1]s
Origin: http://%[1]s
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Version: 13
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
Pragma: no-cache
Cache-Control: no-cache
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36
Accept-Language: en-GB,en;q=0.9

`, at.Host), "\n", "\r\n"))
	return o
}

func (o *opener) open() (fd int, err error) {
	if fd, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0); err != nil {
		return 0, err
	}
	// Closing resets: TIME_WAIT would use up the ports.
	err = errors.Join(
		syscall.SetsockoptLinger(fd, syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1}),
		syscall.Connect(fd, o.to),
		syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &syscall.Timeval{Sec: 20}))
	if err == nil {
		err = o.exchange(fd, o.request)
	}
	if err == nil {
		err = o.exchange(fd, []byte("\x81\x82\x00\x00\x00\x0040")) // CONNECT, masked with zeros
	}
	if err != nil {
		_ = syscall.Close(fd)
	}
	return fd, err
}

// exchange sends something and reads until the answer names an id, as OPEN and CONNECT's do.
func (o *opener) exchange(fd int, send []byte) error {
	if _, err := syscall.Write(fd, send); err != nil {
		return err
	}
	for n := 0; ; {
		got, err := syscall.Read(fd, o.buf[n:])
		if err == syscall.EINTR {
			continue
		}
		if err != nil || got <= 0 {
			return fmt.Errorf("%d bytes after %q: %w", got, o.buf[:n], err)
		}
		if n += got; bytes.Contains(o.buf[:n], []byte(`"sid"`)) {
			return nil
		}
	}
}
