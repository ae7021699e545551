package websocket

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"testing"
	"time"
)

// pairTLS is a Conn over TLS that ListenTLS has accepted, and its other end.
func pairTLS(t testing.TB) (*Conn, *tls.Conn) {
	t.Helper()
	return pairTLSOf(t, new(Upgrader))
}

func pairTLSOf(t testing.TB, u *Upgrader) (*Conn, *tls.Conn) {
	t.Helper()
	other := httptest.NewTLSServer(nil) // for its certificate
	defer other.Close()
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := ListenTLS(plain, other.TLS)
	defer l.Close()
	peer := tls.Client(&cutter{Conn: connect(t, l.Addr())}, &tls.Config{InsecureSkipVerify: true}) // the test's own server
	shaken := make(chan error, 1)
	go func() { shaken <- peer.Handshake() }()
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(nc.(*tls.Conn).Handshake(), <-shaken); err != nil {
		t.Fatal(err)
	}
	c := newConn(nc, nil, u)
	t.Cleanup(func() { c.Close(); peer.Close() })
	needRaw(t, c)
	return c, peer
}

// cutter is a connection beneath TLS that can keep back what is written, so that a test sends part
// of a record.
type cutter struct {
	net.Conn
	keeps bool
	kept  []byte
}

func (c *cutter) Write(p []byte) (int, error) {
	if !c.keeps {
		return c.Conn.Write(p)
	}
	c.kept = append(c.kept, p...)
	return len(p), nil
}

// sealed is p as the records that peer would send.
func sealed(t testing.TB, peer *tls.Conn, p []byte) []byte {
	t.Helper()
	c := peer.NetConn().(*cutter)
	c.keeps, c.kept = true, nil
	if _, err := peer.Write(p); err != nil {
		t.Fatal(err)
	}
	c.keeps = false
	return c.kept
}

// fillTLS writes with TryWrite until the kernel's buffers are full. It returns all that was asked
// for, and the part of it that was not taken.
func fillTLS(t testing.TB, c *Conn) (all, rest []byte) {
	t.Helper()
	for !c.Held() {
		var chunk []byte
		for i := range 100_003 {
			chunk = append(chunk, byte((len(all)+i)%251)) // so that a lost or doubled part shows
		}
		n, err := c.TryWrite(chunk)
		if err != nil {
			t.Fatal(err)
		}
		if n < len(chunk) && !c.Held() {
			t.Fatalf("%d of %d bytes were taken and nothing is held", n, len(chunk))
		}
		all, rest = append(all, chunk...), chunk[n:]
	}
	return all, rest
}

func TestTLSToSlowReader(t *testing.T) {
	c, peer := pairTLS(t)
	all, rest := fillTLS(t, c)
	if n, err := c.TryWrite([]byte("x")); n != 0 || err != nil {
		t.Errorf("TryWrite took %d bytes while some were held, %v", n, err)
	}
	written := make(chan error, 1)
	go func() {
		_, err := c.Write(rest)
		held := c.Held()
		n, tryErr := c.TryWrite([]byte("on"))
		if held || n != 2 {
			t.Errorf("after Write: held %v, TryWrite took %d", held, n)
		}
		written <- errors.Join(err, tryErr, c.CloseWrite())
	}()
	got, err := io.ReadAll(peer)
	if err := errors.Join(err, <-written); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, append(all, "on"...)) {
		t.Fatalf("the peer got %d bytes, want %d, or other ones", len(got), len(all)+2)
	}
}

// A Write that ran into its deadline has sent part of a record: nothing may follow.
func TestTLSWriteDeadline(t *testing.T) {
	c, peer := pairTLS(t)
	_, rest := fillTLS(t, c)
	if err := c.SetWriteDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for { // the kernel may still take a little
		_, err := c.Write(append(rest, make([]byte, 1<<20)...))
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := c.SetWriteDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, peer)
	if n, err := c.TryWrite([]byte("x")); n != 0 {
		t.Errorf("TryWrite took %d bytes, %v", n, err)
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Write returned %v", err)
	}
}

// What TLS sends of its own accord to a peer that does not read is bounded.
func TestTLSAnswersAreBounded(t *testing.T) {
	c, _ := pairTLS(t)
	fillTLS(t, c)
	answer := make([]byte, 100)
	for held := 0; held <= maxHeld+pieceSize; { // the kernel may still take a little
		_, err := c.outlet.Write(answer)
		if errors.Is(err, errHeld) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		c.outlet.mu.Lock()
		held = 0
		if c.outlet.held != nil {
			held = len(*c.outlet.held)
		}
		c.outlet.mu.Unlock()
	}
	t.Error("there is no bound")
}

// What TLS sends of its own accord does not overtake what drain is writing.
func TestTLSAnswersWait(t *testing.T) {
	c, _ := pairTLS(t)
	c.outlet.held = c.outlet.buffer()
	if b, err := c.outlet.take(); b == nil || err != nil { // as drain does before it writes
		t.Fatalf("%v, %v", b, err)
	}
	if _, err := c.outlet.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if held := c.outlet.held; held == nil || string(*held) != "x" {
		t.Error("it was sent")
	}
}

// BenchmarkTLSWrite is a small write at once, and one that is handed to a goroutine because it may
// block.
func BenchmarkTLSWrite(b *testing.B) {
	p := AppendFrame(nil, Text, make([]byte, 64))
	for _, name := range []string{"at once", "handed over"} {
		b.Run(name, func(b *testing.B) {
			c, peer := pairTLS(b)
			go io.Copy(io.Discard, peer)
			written := make(chan error, 1)
			b.ReportAllocs()
			for b.Loop() {
				if name == "at once" {
					n, err := c.TryWrite(p)
					if n < len(p) || c.Held() {
						_, err = c.Write(p[n:])
					}
					written <- err
				} else {
					go func() {
						_, err := c.Write(p)
						written <- err
					}()
				}
				if err := <-written; err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkTLSMessage is BenchmarkSmallMessage over TLS, and with a message of several kilobytes.
func BenchmarkTLSMessage(b *testing.B) {
	for _, n := range []int{64, 4000} {
		b.Run(sizeName(n), func(b *testing.B) {
			c, peer := pairTLS(b)
			h := make(counter)
			go serve(c, h, testMax)
			p := final(Text, xs(n))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := peer.Write(p); err != nil {
					b.Fatal(err)
				}
				<-h
			}
		})
	}
}
