package websocket

import (
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"hipflask/testdata/testkit"
)

// workFunc is a function as work.
type workFunc func()

func (f workFunc) Run() { f() }

// lends has the connection do work after each piece that is read.
func lends(t testing.TB, u *Upgrader, early []byte, work func(c *Conn)) *started {
	t.Helper()
	plain, peer := pair(t)
	s := &started{newConn(plain.conn, early, u), peer, make(counter, 64), make(chan error, 1)}
	t.Cleanup(func() { s.c.Close() })
	s.c.SetPace(func(int) Work { return workFunc(func() { work(s.c) }) })
	s.c.Start(s.got, testMax, func(err error) { s.ended <- err })
	return s
}

// Short work is done in turn with reading, and nothing of it is left behind.
func TestLend(t *testing.T) {
	u := watch(t)
	var mu sync.Mutex // held by nobody else, unless two read
	done := 0
	s := lends(t, u, nil, func(*Conn) {
		if !mu.TryLock() {
			t.Error("two goroutines work")
			return
		}
		defer mu.Unlock()
		done++
	})
	for i := range 100 {
		s.send(t, final(Text, xs(i)))
		if got := testkit.Await(t, s.got, "message"); got != i {
			t.Fatalf("%d bytes came as %d", i, got)
		}
	}
	testkit.Eventually(t, "idle", s.silent)
	l := &u.idlers.lending
	l.mu.Lock()
	defer l.mu.Unlock()
	if done == 0 || done > 100 || len(l.at) > 0 {
		t.Errorf("%d pieces were worked on, %d connections are lent", done, len(l.at))
	}
}

// What came with the handshake is worked on as well, though nothing follows it.
func TestLendForWhatCameEarly(t *testing.T) {
	worked := make(chan struct{}, 1)
	s := lends(t, watch(t), final(Text, xs(3)), func(*Conn) { worked <- struct{}{} })
	if got := testkit.Await(t, s.got, "message"); got != 3 {
		t.Errorf("3 bytes came as %d", got)
	}
	testkit.Await(t, worked, "work on what came early")
}

// While work takes long, or waits for the peer and says so, another goroutine reads on; the end of
// the work is then of no meaning to the connection, and neither is its own end to the work.
func TestWorkTakesLong(t *testing.T) {
	for _, readOn := range []bool{false, true} {
		u := watch(t)
		goOn, worked := make(chan struct{}), make(chan struct{}, 64)
		var later atomic.Bool
		s := lends(t, u, nil, func(c *Conn) {
			if !later.Swap(true) {
				if readOn {
					c.ReadOn()
					c.ReadOn()
				}
				<-goOn
			}
			worked <- struct{}{}
		})
		for i := range 3 { // the first begins the work that takes long
			s.send(t, final(Text, xs(i)))
			if got := testkit.Await(t, s.got, "message"); got != i {
				t.Fatalf("%d bytes came as %d", i, got)
			}
		}
		testkit.Await(t, worked, "work for the second")
		close(goOn)
		testkit.Await(t, worked, "end of the first work")
		s.send(t, final(Text, xs(9)))
		if got := testkit.Await(t, s.got, "message"); got != 9 {
			t.Fatalf("9 bytes came as %d", got)
		}
		s.peer.Close()
		s.end(t)
	}
}

// A connection ends while its work does not: ended is called all the same.
func TestEndDuringWork(t *testing.T) {
	u := watch(t)
	goOn := make(chan struct{})
	s := lends(t, u, nil, func(*Conn) { <-goOn })
	s.send(t, final(Text, "x"))
	testkit.Await(t, s.got, "message")
	s.peer.Close()
	s.end(t)
	close(goOn)
}

// processorTime is what the process has used.
func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // fails for a wrong argument only
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkLend is a message, and work for it that a goroutine of its own or the one that reads
// does.
func BenchmarkLend(b *testing.B) {
	for name, lend := range map[string]bool{"reader": true, "other": false} {
		b.Run(name, func(b *testing.B) {
			u := watch(b)
			plain, peer := pair(b)
			c := newConn(plain.conn, nil, u)
			defer c.Close()
			out := AppendFrame(nil, Text, []byte("answer"))
			var writing sync.Mutex // the answer may be there before the write has returned
			work := workFunc(func() {
				writing.Lock()
				defer writing.Unlock()
				_, _ = c.TryWrite(out)
			})
			c.SetPace(func(int) Work {
				if lend {
					return work
				}
				u.idlers.pool.Run(work)
				return nil
			})
			c.Start(make(counter, 1<<20), testMax, func(error) {})
			if err := peer.SetDeadline(time.Now().Add(time.Minute)); err != nil {
				b.Fatal(err)
			}
			message := final(Text, "question")
			answer := make([]byte, len(out))
			used := processorTime()
			n := 0
			for b.Loop() {
				if _, err := peer.Write(message); err != nil {
					b.Fatal(err)
				}
				if _, err := peer.Read(answer); err != nil {
					b.Fatal(err)
				}
				n++
			}
			b.ReportMetric(float64((processorTime()-used).Nanoseconds())/float64(n), "CPU-ns/op")
		})
	}
}
