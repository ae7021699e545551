package websocket

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"hipflask/testdata/testkit"
)

func connectTLS(t testing.TB, s *server) net.Conn {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	nc, err := tls.Dial("tcp", s.Listener.Addr().String(), &tls.Config{RootCAs: roots, ServerName: "example.com"})
	if err != nil {
		t.Fatal(err)
	}
	return nc
}

// pair is a Conn over a loopback socket and the socket's other end.
func pair(t testing.TB) (*Conn, *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	peer := connect(t, l.Addr())
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c := newConn(nc, nil, new(Upgrader))
	t.Cleanup(func() { c.Close(); peer.Close() })
	return c, peer.(*net.TCPConn)
}

func needRaw(t testing.TB, c *Conn) {
	t.Helper()
	if !c.Supported() {
		t.Skip("this system has no reads and writes of a socket that do not block")
	}
}

// counter tells the length of each message.
type counter chan int

func (h counter) Message(_ Opcode, p []byte) error { h <- len(p); return nil }
func (h counter) Ping([]byte) error                { return nil }
func (h counter) Pong([]byte) error                { return nil }

// fill writes with TryWrite until the kernel's buffers are full. It returns all that the peer shall
// get in the end, and the part of it that was not taken.
func fill(t testing.TB, c *Conn) (all, rest []byte) {
	t.Helper()
	chunk := make([]byte, 100_003)
	for i := range chunk {
		chunk[i] = byte(i % 251) // so that a lost or doubled part shows
	}
	for {
		n, err := c.TryWrite(chunk)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, chunk...)
		if n < len(chunk) {
			return all, chunk[n:]
		}
	}
}

func TestTryWriteToSlowReader(t *testing.T) {
	c, peer := pair(t)
	needRaw(t, c)
	all, rest := fill(t, c)
	written := make(chan error, 1)
	go func() {
		_, err := c.Write(rest)
		written <- errors.Join(err, c.CloseWrite())
	}()
	got, err := io.ReadAll(peer)
	if err := errors.Join(err, testkit.Await(t, written, "end of the writing")); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, all) {
		t.Fatalf("the peer got %d bytes, want %d, or other ones", len(got), len(all))
	}
}

func TestWriteDeadline(t *testing.T) {
	c, _ := pair(t)
	needRaw(t, c)
	_, rest := fill(t, c)
	written := make(chan error, 1)
	go func() {
		for { // the kernel may still take a little
			if _, err := c.Write(rest); err != nil {
				written <- err
				return
			}
		}
	}()
	if err := c.SetWriteDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := testkit.Await(t, written, "end of the writing"); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Write returned %v", err)
	}
	if n, err := c.TryWrite(rest); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("TryWrite returned %d, %v", n, err)
	}
}

func TestReadDeadlineEndsReading(t *testing.T) {
	c, _ := pair(t)
	end := make(chan error, 1)
	go func() { end <- serve(c, counter(nil), testMax) }()
	if err := c.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := testkit.Await(t, end, "end of the reading"); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("reading ended with %v", err)
	}
}

func TestEndsWithoutCloseFrame(t *testing.T) {
	t.Run("FIN", func(t *testing.T) {
		c, peer := pair(t)
		if _, err := peer.Write(final(Text, "cut off")[:8]); err != nil {
			t.Fatal(err)
		}
		peer.CloseWrite()
		if err := serve(c, counter(nil), testMax); err != io.EOF {
			t.Errorf("reading ended with %v", err)
		}
	})
	t.Run("reset", func(t *testing.T) {
		c, peer := pair(t)
		if err := errors.Join(peer.SetLinger(0), peer.Close()); err != nil {
			t.Fatal(err)
		}
		var closing *CloseError
		if err := serve(c, counter(nil), testMax); err == nil || err == io.EOF || errors.As(err, &closing) {
			t.Errorf("reading ended with %v", err)
		}
		if n, err := c.TryWrite([]byte("x")); n != 0 || c.Supported() && err == nil {
			t.Errorf("TryWrite returned %d, %v", n, err)
		}
	})
	t.Run("handler", func(t *testing.T) {
		c, peer := pair(t)
		if _, err := peer.Write(join(final(Text, "a"), final(Text, "b"))); err != nil {
			t.Fatal(err)
		}
		h := &failing{err: errors.New("enough")}
		if err := serve(c, h, testMax); err != h.err || h.calls != 1 {
			t.Errorf("reading ended with %v after %d messages", err, h.calls)
		}
	})
}

type failing struct {
	counter
	err   error
	calls int
}

func (h *failing) Message(Opcode, []byte) error { h.calls++; return h.err }

// Close may come at any moment: reading and writing end with an error, and the peer's stream ends.
func TestConcurrentClose(t *testing.T) {
	for _, name := range []string{"TCP", "other"} {
		t.Run(name, func(t *testing.T) {
			for range 50 {
				closeUnderLoad(t, name == "TCP")
			}
		})
	}
}

func closeUnderLoad(t *testing.T, plain bool) {
	c, peer := pair(t)
	if !plain {
		c = newConn(struct{ net.Conn }{c.conn}, nil, new(Upgrader))
	}
	e := make(counter, 1)
	var wg sync.WaitGroup
	served, wrote := make(chan error, 1), make(chan error, 1)
	wg.Go(func() { served <- serve(c, e, testMax) })
	wg.Go(func() {
		p := AppendFrame(nil, Text, make([]byte, 5000))
		for {
			n, err := c.TryWrite(p)
			if err == nil && n < len(p) {
				_, err = c.Write(p[n:])
			}
			if err != nil {
				wrote <- err
				return
			}
		}
	})
	wg.Go(func() {
		for { // until the peer's socket is reset
			if _, err := peer.Write(final(Text, "hi")); err != nil {
				return
			}
		}
	})
	wg.Go(func() { io.Copy(io.Discard, peer) })
	testkit.Await(t, e, "message")
	wg.Go(func() { c.Close() })
	wg.Go(func() { c.Close() })
	wg.Go(func() { c.SetWriteDeadline(time.Now()) })
	for {
		select {
		case <-e:
			continue
		case err := <-served:
			if err == nil {
				t.Error("reading ended with nil")
			}
		}
		break
	}
	if err := testkit.Await(t, wrote, "end of the writing"); err == nil {
		t.Error("the writer ended without an error")
	}
	wg.Wait()
}

// Close from within a handler ends the reading and does not wait for it.
type closer struct {
	counter
	c *Conn
}

func (h *closer) Message(Opcode, []byte) error { return h.c.Close() }

func TestCloseFromHandler(t *testing.T) {
	c, peer := pair(t)
	if _, err := peer.Write(final(Text, "x")); err != nil {
		t.Fatal(err)
	}
	if err := serve(c, &closer{c: c}, testMax); !errors.Is(err, net.ErrClosed) {
		t.Errorf("reading ended with %v", err)
	}
}

func TestUnsupported(t *testing.T) {
	c, _ := pair(t)
	wrapped := newConn(struct{ *net.TCPConn }{c.conn.(*net.TCPConn)}, nil, new(Upgrader))
	if wrapped.Supported() {
		t.Fatal("a wrapped connection is written to past its wrapper")
	}
	if n, err := wrapped.TryWrite([]byte("x")); n != 0 || err != nil {
		t.Errorf("TryWrite returned %d, %v", n, err)
	}
	if err := newConn(struct{ net.Conn }{c.conn}, nil, new(Upgrader)).CloseWrite(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("CloseWrite returned %v", err)
	}
}

// A reverse proxy on the same machine may come over a socket of the file system.
func TestUnixSocket(t *testing.T) {
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Skip("this system has no sockets in the file system: ", err)
	}
	newServer(t, func(s *httptest.Server) {
		s.Listener.Close()
		s.Listener = l
		s.Start()
	})
	c := dial(t, connect(t, l.Addr()), nil)
	c.send(t, join(final(Text, "near"), closing(1000, "")))
	c.expect(t, Text, []byte("near"))
	c.expectClose(t, 1000)
}

// The close frame for a message too big arrives although the client is still sending the message.
func TestDiscard(t *testing.T) {
	s := newServer(t, (*httptest.Server).Start)
	c := dialTCP(t, s)
	body := make([]byte, 2<<20)
	c.send(t, join([]byte{0x82, 0xFF, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0}, body))
	c.expectClose(t, CloseTooBig)
	c.Close()
	testkit.Await(t, s.ends, "end")
}

func TestDiscardEnds(t *testing.T) {
	t.Run("time", func(t *testing.T) {
		c, _ := pair(t)
		c.Discard(0) // returns although the peer sends nothing and stays
	})
	t.Run("bytes", func(t *testing.T) {
		c, peer := pair(t)
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			for { // sends without end, until the socket is closed
				if _, err := peer.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		}()
		c.Discard(time.Hour)
		c.Close()
		<-stopped
	})
}
