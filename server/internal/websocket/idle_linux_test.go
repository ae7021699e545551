package websocket

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"hipflask/testdata/testkit"
)

// watch gives an upgrader that watches until the test ends.
func watch(t testing.TB) *Upgrader {
	t.Helper()
	u := new(Upgrader)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := u.Watch(stop); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { close(stop); wg.Wait() })
	testkit.Eventually(t, "watching", func() bool {
		u.idlers.mu.Lock()
		defer u.idlers.mu.Unlock()
		return u.idlers.poll != nil
	})

	return u
}

// started is a connection that was begun with Start, and its other end.
type started struct {
	c     *Conn
	peer  *net.TCPConn
	got   counter
	ended chan error
}

func start(t testing.TB, u *Upgrader, early []byte) *started {
	t.Helper()
	plain, peer := pair(t)
	s := &started{newConn(plain.conn, early, u), peer, make(counter, 64), make(chan error, 1)}
	t.Cleanup(func() { s.c.Close() })
	s.c.Start(s.got, testMax, func(err error) { s.ended <- err })
	return s
}

func (s *started) send(t testing.TB, p []byte) {
	t.Helper()
	if _, err := s.peer.Write(p); err != nil {
		t.Fatal(err)
	}
}

// silent is idle, after as many looks as it takes for a connection that was silent.
func (s *started) silent() bool {
	for range idleLooks {
		s.c.idlers.askSilent()
	}
	return s.idle()
}

func (s *started) idle() bool {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return s.c.watched
}

func (s *started) end(t testing.TB) error {
	t.Helper()
	select {
	case err := <-s.ended:
		return err
	case <-time.After(testkit.Deadline):
		t.Fatal("the connection did not end")
		return nil
	}
}

// notKept checks that nothing knows the connection any more.
func (s *started) notKept(t *testing.T) {
	t.Helper()
	s.c.idlers.mu.Lock()
	defer s.c.idlers.mu.Unlock()
	if s.c.idlers.at[s.c.fd] == &s.c.idling || s.c.activeIndex != 0 {
		t.Error("it is kept after its end")
	}
}

func TestNoGoroutineWhileIdle(t *testing.T) {
	u := watch(t)
	before := runtime.NumGoroutine()
	const n = 20
	var all []*started
	for range n {
		all = append(all, start(t, u, nil))
	}
	// A timer's goroutine, or one that ends, may be among them for a moment.
	testkit.Eventually(t, "fewer goroutines than connections", func() bool { return runtime.NumGoroutine() < before+n/2 })
	for _, s := range all { // each once, and then so often that it becomes active
		for i := range 3 * activeWakes {
			s.send(t, final(Text, xs(i)))
			if got := testkit.Await(t, s.got, "message"); got != i {
				t.Fatalf("%d bytes came as %d", i, got)
			}
		}
	}
	testkit.Eventually(t, "idle again", func() bool {
		for _, s := range all {
			if !s.silent() {
				return false
			}
		}
		return true
	})

	u.idlers.mu.Lock()
	defer u.idlers.mu.Unlock()
	if len(u.idlers.active) > 0 {
		t.Errorf("%d idle connections count as active", len(u.idlers.active))
	}
}

func TestIdleConnectionEnds(t *testing.T) {
	u := watch(t)
	tests := []struct {
		name string
		do   func(*started)
		want error
	}{
		{"closed by us", func(s *started) { s.c.Close() }, net.ErrClosed},
		{"closed by the peer", func(s *started) { s.peer.Close() }, io.EOF},
		{"half closed by the peer", func(s *started) { s.peer.CloseWrite() }, io.EOF},
		{"too late", func(s *started) { s.c.SetReadDeadline(time.Now()) }, os.ErrDeadlineExceeded},
		{"close frame", func(s *started) { s.peer.Write(closing(1000, "")) }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, u, nil)
			if !s.silent() {
				t.Fatal("not idle")
			}
			tt.do(s)
			err := s.end(t)
			var end *CloseError
			if tt.want == nil && !errors.As(err, &end) || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("ended with %v", err)
			}
			s.notKept(t)
		})
	}
}

// A connection with a deadline, or with a message that has begun, keeps its goroutine.
func TestNotIdle(t *testing.T) {
	u := watch(t)
	s := start(t, u, nil)
	if err := s.c.SetReadDeadline(time.Now().Add(testkit.Deadline)); err != nil {
		t.Fatal(err)
	}
	s.send(t, final(Text, "a"))
	testkit.Await(t, s.got, "message")
	if s.idle() {
		t.Error("idle in spite of a deadline")
	}
	if err := s.c.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "idle", s.silent)
	whole := final(Text, xs(100))
	s.send(t, whole[:50])
	testkit.Eventually(t, "read", func() bool { return !s.idle() })
	s.send(t, whole[50:])
	if got := testkit.Await(t, s.got, "message"); got != 100 {
		t.Errorf("%d bytes", got)
	}
	testkit.Eventually(t, "idle again", s.silent)
}

// What comes with the handshake is read first, and without Watch a connection just has a goroutine.
func TestStart(t *testing.T) {
	for name, u := range map[string]*Upgrader{"watched": watch(t), "not watched": new(Upgrader)} {
		t.Run(name, func(t *testing.T) {
			whole := final(Text, xs(7))
			s := start(t, u, join(final(Text, xs(5)), whole[:3]))
			s.send(t, whole[3:])
			if a, b := testkit.Await(t, s.got, "message"), testkit.Await(t, s.got, "message"); a != 5 || b != 7 {
				t.Errorf("%d and %d bytes", a, b)
			}
			s.c.Close()
			if err := s.end(t); !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
		})
	}
}

// sequence checks that the messages are numbered one after another.
type sequence struct {
	next uint32
	done chan<- uint32
	last uint32
}

func (s *sequence) Message(_ Opcode, p []byte) error {
	if got := binary.BigEndian.Uint32(p); got != s.next {
		return errors.New("out of order")
	}
	if s.next++; s.next == s.last {
		s.done <- s.next
	}
	return nil
}
func (s *sequence) Ping([]byte) error { return nil }
func (s *sequence) Pong([]byte) error { return nil }

// interleaved sends the k-th connection's numbered messages over a socket, each in two parts, with
// deadlines and turns of others in between: nothing is lost and nothing comes twice. message is
// what is sent of each; hangUp ends the peer.
func interleaved(t *testing.T, k int, c *Conn, socket io.Writer, message func(i uint32) []byte, hangUp func() error) {
	const messages = 300
	done, ended := make(chan uint32, 1), make(chan error, 1)
	c.Start(&sequence{done: done, last: messages}, testMax, func(err error) { ended <- err })
	for i := range uint32(messages) {
		p := message(i)
		cut := int(i) % len(p)
		socket.Write(p[:cut])
		if k%3 == 0 && i%10 == 0 {
			c.SetReadDeadline(time.Now().Add(testkit.Deadline))
			c.SetReadDeadline(time.Time{})
		}
		if i%uint32(k+1) == 0 {
			runtime.Gosched()
		}
		socket.Write(p[cut:])
	}
	select {
	case <-done:
	case err := <-ended:
		t.Error(err)
		return
	}
	hangUp()
	if err := testkit.Await(t, ended, "end"); err != io.EOF {
		t.Error(err)
	}
}

// However idle and active alternate, and deadlines come between, nothing is lost and nothing comes
// twice.
func TestIdleAndBack(t *testing.T) {
	u := watch(t)
	var wg sync.WaitGroup
	for k := range 30 {
		plain, peer := pair(t)
		c := newConn(plain.conn, nil, u)
		wg.Go(func() {
			interleaved(t, k, c, peer, func(i uint32) []byte {
				return final(Binary, string(binary.BigEndian.AppendUint32(nil, i)))
			}, peer.Close)
		})
	}
	wg.Wait()
}

// BenchmarkIdleMessage is a message to a connection that was idle and is idle again after it, and
// to one that is active.
func BenchmarkIdleMessage(b *testing.B) {
	for _, name := range []string{"idle", "active"} {
		b.Run(name, func(b *testing.B) {
			s := start(b, watch(b), nil)
			p := final(Text, xs(64))
			message := func(then func() bool) {
				s.send(b, p)
				<-s.got
				for !then() {
					runtime.Gosched()
				}
			}
			then := s.active
			if name == "idle" {
				then = s.idleOnceMore
			} else {
				for range activeWakes + 1 { // each finds it idle, until it has become active
					message(func() bool { return s.idle() || s.active() })
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				message(then)
			}
		})
	}
}

// active reports whether the connection keeps its goroutine.
func (s *started) active() bool {
	s.c.idlers.mu.Lock()
	defer s.c.idlers.mu.Unlock()
	return s.c.activeIndex != 0
}

// idleOnceMore reports whether the connection is idle, and has it forget how often it was woken.
func (s *started) idleOnceMore() bool {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.c.wakes = 0
	return s.c.watched
}

// BenchmarkWatch is a clock that is watched as an idle connection is, and milliseconds of work for
// each of its ticks, between which no processor works: with system calls that Go's scheduler is
// told of, and with those that it is not.
func BenchmarkWatch(b *testing.B) {
	work := make([]byte, 4<<20)
	for _, kind := range []struct {
		name    string
		control func(ep, op, fd int, event *unix.EpollEvent) error
		look    func(ep int, events []unix.EpollEvent) (int, error)
	}{
		{"told", unix.EpollCtl, func(ep int, events []unix.EpollEvent) (int, error) { return unix.EpollWait(ep, events, 0) }},
		{"untold", control, look},
	} {
		b.Run(kind.name, func(b *testing.B) {
			p, err := newPoller()
			if err != nil {
				b.Fatal(err)
			}
			defer p.close()
			fd := clock(b, 10*time.Millisecond)
			if err := p.watch(fd, false); err != nil {
				b.Fatal(err)
			}
			events := make([]unix.EpollEvent, 1)
			begin := processorTime()
			for b.Loop() {
				err := p.raw.Read(func(ep uintptr) bool {
					n, err := kind.look(int(ep), events)
					return n > 0 || err != nil
				})
				if err != nil {
					b.Fatal(err)
				}
				var ticks [8]byte
				_, _, _ = unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&ticks[0])), uintptr(len(ticks)))
				event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLONESHOT}
				if err := kind.control(p.fd, unix.EPOLL_CTL_MOD, fd, &event); err != nil {
					b.Fatal(err)
				}
				_ = sha256.Sum256(work)
			}
			b.ReportMetric(float64((processorTime()-begin).Nanoseconds())/float64(b.N), "CPU-ns/op")
		})
	}
}

// clock is a descriptor that can be read after each tick.
func clock(b *testing.B, tick time.Duration) int {
	b.Helper()
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = unix.Close(fd) })
	every := unix.NsecToTimespec(tick.Nanoseconds())
	if err := unix.TimerfdSettime(fd, 0, &unix.ItimerSpec{Interval: every, Value: every}, nil); err != nil {
		b.Fatal(err)
	}
	return fd
}
