//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

const startTimeout = 20 * time.Second

// server is a server process.
type server struct {
	name string
	cmd  *exec.Cmd
	log  *tail
	port int
}

// start starts a server and waits until it listens. Its stdout goes to /dev/null: each server makes
// its lines, and none is held up by who reads them. It is killed when this process ends, however
// that does.
func start(name string, environment []string, command ...string) (*server, error) {
	s := &server{name: name, cmd: exec.Command(command[0], command[1:]...), log: &tail{named: make(chan int, 1)}}
	s.cmd.Stderr = s.log
	s.cmd.Env = append(os.Environ(), environment...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	select {
	case s.port = <-s.log.named:
	case <-time.After(startTimeout):
		return nil, errors.Join(fmt.Errorf("%s names no address:\n%s", name, s.log), s.stop())
	}
	// Flask says where before it does listen.
	for end := time.Now().Add(startTimeout); ; {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port))
		if err == nil {
			return s, c.Close()
		}
		if time.Now().After(end) {
			return nil, errors.Join(fmt.Errorf("%s: %w\n%s", name, err, s.log), s.stop())
		}
		time.Sleep(50 * time.Millisecond) // not every server says when it listens
	}
}

// stop kills the process and waits for its end.
func (s *server) stop() error {
	err := s.cmd.Process.Kill()
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	var killed *exec.ExitError
	if end := s.cmd.Wait(); end != nil && !errors.As(end, &killed) {
		err = errors.Join(err, end)
	}
	return err
}

// processCPU is the CPU time that a process has used, user and system, in all its threads, from its
// clock: to the nanosecond, where /proc/PID/stat has ticks.
func processCPU(pid int) (time.Duration, error) {
	const cpuClockSched = 2 // clock_getcpuclockid(3) makes the same number
	var ts syscall.Timespec
	clock := uintptr(^pid<<3 | cpuClockSched)
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&ts)), 0); errno != 0 {
		return 0, fmt.Errorf("the CPU clock of process %d: %w", pid, errno)
	}
	return time.Duration(ts.Nano()), nil
}

// resident is the size of the process's memory in RAM, in bytes.
func (s *server) resident() (int, error) {
	p, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := bytes.Cut(p, []byte("\nRss:"))
	var kib int
	if _, err := fmt.Sscan(string(after), &kib); err != nil {
		return 0, fmt.Errorf("smaps_rollup: %w", err)
	}
	return kib << 10, nil
}

// tail keeps the end of what a server logs, and finds the port that it names.
type tail struct {
	named chan int

	mu    sync.Mutex
	found bool
	text  []byte
}

const tailSize = 4 << 10

var address = regexp.MustCompile(`127\.0\.0\.1:(\d+).*\n`)

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if !t.found {
		if m := address.FindSubmatch(t.text); m != nil {
			port, err := strconv.Atoi(string(m[1]))
			if err != nil {
				return 0, err
			}
			t.found = true
			t.named <- port
		}
	}
	if extra := len(t.text) - tailSize; extra > 0 {
		t.text = append(t.text[:0], t.text[extra:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
