package websocket

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"hipflask/testdata/testkit"
)

// startTLS is start over TLS. send and peer are the socket's, beneath TLS.
func startTLS(t testing.TB, u *Upgrader) (*started, *tls.Conn) {
	t.Helper()
	c, peer := pairTLSOf(t, u)
	socket := peer.NetConn().(*cutter).Conn.(*net.TCPConn)
	s := &started{c, socket, make(counter, 64), make(chan error, 1)}
	c.Start(s.got, testMax, func(err error) { s.ended <- err })
	return s, peer
}

// allIdle waits until all were woken so often, and are idle.
func allIdle(t *testing.T, all []*started, wakes int) {
	t.Helper()
	testkit.Eventually(t, "idle", func() bool {
		return !slices.ContainsFunc(all, func(s *started) bool {
			s.c.mu.Lock()
			defer s.c.mu.Unlock()
			return !s.c.watched || s.c.wakes != wakes
		})
	})
}

// Neither a connection on which nothing comes nor one that has sent half a record has a goroutine.
func TestNoGoroutineWhileTLSIsIdle(t *testing.T) {
	u := watch(t)
	const n = 20
	before := runtime.NumGoroutine()
	var all []*started
	var peers []*tls.Conn
	for range n {
		s, peer := startTLS(t, u)
		all, peers = append(all, s), append(peers, peer)
	}
	allIdle(t, all, 0)
	var rest [][]byte
	for i, s := range all {
		s.c.mu.Lock()
		s.c.wokenAt = time.Now().Add(time.Hour).UnixMilli() // count all, see wakes
		s.c.mu.Unlock()
		records := sealed(t, peers[i], final(Text, xs(300)))
		s.send(t, records[:len(records)/2])
		rest = append(rest, records[len(records)/2:])
	}
	allIdle(t, all, 1)
	// The pool keeps those that have read for a while.
	testkit.Eventually(t, "the end of those that have read", func() bool { return runtime.NumGoroutine() < before+n/2 })
	for i, s := range all {
		s.c.mu.Lock() // which a goroutine that is started needs
		if s.c.outlet.opened != nil || s.c.taker.Holds() {
			t.Error("it holds a buffer while it is idle")
		}
		s.c.mu.Unlock()
		s.send(t, rest[i])
		if got := testkit.Await(t, s.got, "message"); got != 300 {
			t.Fatalf("%d bytes", got)
		}
	}
	allIdle(t, all, 2)
}

func TestIdleTLSEnds(t *testing.T) {
	u := watch(t)
	tests := []struct {
		name string
		do   func(*started, *tls.Conn)
		want func(error) bool
	}{
		{"closed by us", func(s *started, _ *tls.Conn) { s.c.Close() }, is(net.ErrClosed)},
		{"close_notify", func(_ *started, peer *tls.Conn) { peer.CloseWrite() }, is(io.EOF)},
		{"closed by the peer", func(_ *started, peer *tls.Conn) { peer.Close() }, is(io.EOF)},
		{"cut", func(s *started, _ *tls.Conn) { s.peer.Close() }, is(io.EOF)},
		{"cut within a record", func(s *started, peer *tls.Conn) {
			s.peer.Write(sealed(t, peer, final(Text, "a"))[:9])
			s.peer.Close()
		}, is(io.EOF)},
		{"too late", func(s *started, _ *tls.Conn) { s.c.SetReadDeadline(time.Now()) }, is(os.ErrDeadlineExceeded)},
		{"no TLS", func(s *started, _ *tls.Conn) { s.peer.Write([]byte("GET / HTTP/1.1\r\n\r\n")) }, func(err error) bool {
			var header tls.RecordHeaderError
			return errors.As(err, &header)
		}},
		{"not by the peer", func(s *started, peer *tls.Conn) {
			records := sealed(t, peer, final(Text, "a"))
			records[len(records)-1] ^= 1
			s.peer.Write(records)
		}, func(err error) bool {
			var failed *net.OpError
			return errors.As(err, &failed) && failed.Op == "local error"
		}},
		{"close frame", func(_ *started, peer *tls.Conn) { peer.Write(closing(1000, "")) }, func(err error) bool {
			var end *CloseError
			return errors.As(err, &end) && end.Received
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, peer := startTLS(t, u)
			allIdle(t, []*started{s}, 0)
			tt.do(s, peer)
			if err := s.end(t); !tt.want(err) {
				t.Errorf("ended with %v", err)
			}
			s.notKept(t)
			if s.c.outlet.opened != nil || s.c.taker.Holds() {
				t.Error("it holds a buffer after its end")
			}
		})
	}
}

func is(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }

// What came with the handshake is read, also what TLS has read and not given on.
func TestTLSReadAhead(t *testing.T) {
	for name, u := range map[string]*Upgrader{"watched": watch(t), "not watched": new(Upgrader)} {
		t.Run(name, func(t *testing.T) {
			c, peer := pairTLSOf(t, u)
			c.outlet.direct = false // as while it is net/http's
			peer.Write(append(final(Text, xs(5)), final(Text, xs(6))...))
			early := make([]byte, 11)
			if _, err := io.ReadFull(c.conn, early); err != nil {
				t.Fatal(err)
			}
			c.outlet.direct = true
			c.early = early
			got, ended := make(counter, 64), make(chan error, 1)
			c.Start(got, testMax, func(err error) { ended <- err })
			if a, b := testkit.Await(t, got, "message"), testkit.Await(t, got, "message"); a != 5 || b != 6 {
				t.Errorf("%d and %d bytes", a, b)
			}
			c.Close()
			if err := testkit.Await(t, ended, "end"); !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
		})
	}
}

// However records are cut, and idle and active alternate, nothing is lost and nothing comes twice.
func TestTLSIdleAndBack(t *testing.T) {
	u := watch(t)
	var wg sync.WaitGroup
	for k := range 12 {
		c, peer := pairTLSOf(t, u)
		wg.Go(func() {
			interleaved(t, k, c, peer.NetConn().(*cutter).Conn, func(i uint32) []byte {
				p := binary.BigEndian.AppendUint32(nil, i)
				if i%7 == 0 { // larger than one read, in several records
					p = append(p, make([]byte, 20_000)...)
				}
				return sealed(t, peer, final(Binary, string(p)))
			}, peer.Close)
		})
	}
	wg.Wait()
}
