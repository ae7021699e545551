package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
)

// variant is a server made with one library. It echoes every message.
type variant interface {
	// ServeHTTP makes a WebSocket of the request, keeps it for broadcast and returns, so that in
	// every variant the goroutine of net/http ends.
	http.Handler
	// broadcast sends times frames with the same payload to every connection; where the library
	// allows it, the frames of one connection go into one write.
	broadcast(payload []byte, times int) error
}

// variants are the columns of the table; the others are compared with the first. The second is the
// first again: how far its ratio is from 1 tells how much the other ratios can be trusted.
var variants = []struct {
	name string
	make func() variant
}{
	{"ours", func() variant { return new(ours) }},
	{"ours again", func() variant { return new(ours) }},
	{"gws", newGWS},
	{"gobwas", func() variant { return &gobwas{} }},
	{"gobwas, bufio", func() variant { return &gobwas{buffered: true} }},
	{"coder", func() variant { return new(coder) }},
	{"gorilla", newGorilla},
}

// members are the connections of a server.
type members[C any] struct {
	mu  sync.Mutex
	all []C
}

func (m *members[C]) add(c C) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all = append(m.all, c)
}

// each calls f for every connection until it fails.
func (m *members[C]) each(f func(C) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.all {
		if err := f(c); err != nil {
			return err
		}
	}
	return nil
}

// serve is the server process: it listens on a free port, says which, and does one command a line
// until stdin ends.
func serve(name string) error {
	var v variant
	for _, known := range variants {
		if known.name == name {
			v = known.make()
		}
	}
	if v == nil {
		return fmt.Errorf("no server is called %q", name)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: v}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	fmt.Println(l.Addr())
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadString('\n')
		if err == io.EOF {
			return errors.Join(srv.Close(), ignoreClosed(<-ended))
		}
		if err != nil {
			return err
		}
		answer, err := obey(v, strings.TrimSpace(line))
		if err != nil {
			return err
		}
		fmt.Println(answer)
	}
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func obey(v variant, line string) (string, error) {
	var size, times int
	switch {
	case line == "cpu":
		return cpuTime()
	case line == "memory":
		return memory()
	default:
		if _, err := fmt.Sscanf(line, "broadcast %d %d", &size, &times); err != nil {
			return "", fmt.Errorf("command %q: %w", line, err)
		}
		return "sent", v.broadcast(payload(size), times)
	}
}

// payload is a text of n bytes.
func payload(n int) []byte {
	return []byte(strings.Repeat("x", n))
}

// cpuTime is the time that this process has used, user and system, in microseconds.
func cpuTime() (string, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return "", err
	}
	micros := func(t syscall.Timeval) int64 { return int64(t.Sec)*1e6 + int64(t.Usec) }
	return fmt.Sprint(micros(u.Utime) + micros(u.Stime)), nil
}

// memory is what this process holds once garbage is gone: bytes of heap and stacks in use, and
// bytes resident.
func memory() (string, error) {
	runtime.GC() // empties the pools, with the collection below
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "", err
	}
	_, after, found := strings.Cut(string(status), "VmRSS:")
	var kib int64
	if _, err := fmt.Sscan(after, &kib); err != nil || !found {
		return "", errors.New("/proc/self/status tells no VmRSS")
	}
	return fmt.Sprint(m.HeapInuse+m.StackInuse, kib<<10), nil
}
