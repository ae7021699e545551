package websocket

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hipflask/testdata/testkit"
)

const (
	testKey = "dGhlIHNhbXBsZSBub25jZQ==" // the example of section 1.3
	testMax = 70000
)

// echo answers messages with themselves and pings with pongs, and writes down what came.
type echo struct {
	c   *Conn
	out []byte
	log chan<- string // nil: nothing is written down
}

func (e *echo) note(format string, args ...any) {
	if e.log != nil {
		e.log <- fmt.Sprintf(format, args...)
	}
}

func (e *echo) Message(op Opcode, p []byte) error {
	e.note("message %d %d", op, len(p))
	e.out = AppendFrame(e.out[:0], op, p)
	_, err := e.c.Write(e.out)
	return err
}

func (e *echo) Ping(p []byte) error {
	e.out = AppendFrame(e.out[:0], Pong, p)
	_, err := e.c.Write(e.out)
	return err
}

func (e *echo) Pong(p []byte) error {
	e.note("pong %q", p)
	return nil
}

// serve reads until the connection ends, and returns why.
func serve(c *Conn, h Handler, maxMessage int) error {
	ended := make(chan error, 1)
	c.Start(h, maxMessage, func(err error) { ended <- err })
	return <-ended
}

// serveEcho is a connection's whole life in the tests: it echoes, and ends with the closing
// handshake that the reason asks for.
func serveEcho(c *Conn, log chan<- string) error {
	defer c.Close()
	e := &echo{c: c, log: log}
	err := serve(c, e, testMax)
	var closing *CloseError
	if errors.As(err, &closing) {
		reason := closing.Reason
		if closing.Received {
			reason = ""
		}
		if _, werr := c.Write(AppendClose(nil, closing.Code, reason)); werr == nil && c.CloseWrite() == nil {
			c.Discard(testkit.Deadline)
		}
	}
	return err
}

// server is an HTTP server whose every request becomes a WebSocket.
type server struct {
	*httptest.Server
	log  chan string // what the echo wrote down
	ends chan error  // why reading ended, once for each connection
}

func newServer(t testing.TB, start func(*httptest.Server)) *server {
	t.Helper()
	s := &server{log: make(chan string, 100), ends: make(chan error, 100)}
	var up Upgrader
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := up.Upgrade(w, r, nil, nil)
		if err != nil {
			s.ends <- err
			return
		}
		go func() { s.ends <- serveEcho(c, s.log) }()
	}))
	start(s.Server)
	t.Cleanup(s.Close)
	return s
}

// request is a good opening handshake, in which lines that a test names are replaced; a replacement
// of "" leaves the line out.
func request(replace map[string]string) string {
	lines := []string{
		"GET /socket.io/ HTTP/1.1", "Host: example.test", "Upgrade: websocket", "Connection: Upgrade",
		"Sec-WebSocket-Key: " + testKey, "Sec-WebSocket-Version: 13",
	}
	var b strings.Builder
	for _, line := range lines {
		if other, ok := replace[line]; ok {
			line = other
		}
		if line != "" {
			b.WriteString(line + "\r\n")
		}
	}
	return b.String() + "\r\n"
}

// client is the raw other end of a connection.
type client struct{ *testkit.WebSocket }

// dial connects and sends the handshake with first behind it in the same write.
func dial(t testing.TB, nc net.Conn, first []byte) *client {
	t.Helper()
	t.Cleanup(func() { nc.Close() })
	if err := nc.SetDeadline(time.Now().Add(testkit.Deadline)); err != nil {
		t.Fatal(err)
	}
	c := &client{&testkit.WebSocket{Conn: nc, Buffered: bufio.NewReader(nc)}}
	c.send(t, append([]byte(request(nil)), first...))
	resp, err := http.ReadResponse(c.Buffered, nil)
	if err != nil {
		t.Fatal("reading the handshake:", err)
	}
	if got := resp.Header.Get("Sec-WebSocket-Accept"); resp.StatusCode != 101 || got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Fatalf("handshake: status %d, accept %q", resp.StatusCode, got)
	}
	return c
}

func dialTCP(t testing.TB, s *server) *client {
	t.Helper()
	return dial(t, connect(t, s.Listener.Addr()), nil)
}

func connect(t testing.TB, addr net.Addr) net.Conn {
	t.Helper()
	nc, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		t.Fatal(err)
	}
	return nc
}

func (c *client) send(t testing.TB, p []byte) {
	t.Helper()
	if _, err := c.Write(p); err != nil {
		t.Fatal("client:", err)
	}
}

// frame reads one frame of the server and checks that it is final, unmasked and without reserved
// bits.
func (c *client) frame(t testing.TB) (Opcode, []byte) {
	t.Helper()
	f, err := c.ReadFrame()
	if err != nil {
		t.Fatal("reading a frame:", err)
	}
	return Opcode(f.Op), f.Data
}

// expect reads one frame and compares it.
func (c *client) expect(t testing.TB, op Opcode, payload []byte) {
	t.Helper()
	gotOp, got := c.frame(t)
	if gotOp != op || !bytes.Equal(got, payload) {
		t.Fatalf("got opcode %d and %d bytes %.40q, want %d and %d bytes %.40q", gotOp, len(got), got, op, len(payload), payload)
	}
}

// expectClose reads the server's close frame and the end of the stream. Code 1005 stands for a
// close frame without one.
func (c *client) expectClose(t testing.TB, code int) {
	t.Helper()
	op, p := c.frame(t)
	got := CloseNoStatus
	if len(p) >= 2 {
		got = int(binary.BigEndian.Uint16(p))
	}
	if op != Close || got != code {
		t.Fatalf("got opcode %d with code %d and reason %q, want a close frame with %d", op, got, p[min(2, len(p)):], code)
	}
	if n, err := c.Buffered.Read(make([]byte, 1)); err != io.EOF {
		t.Fatalf("after the close frame: %d bytes, %v; want the end of the stream", n, err)
	}
}

// final is a client's final frame, more one that others follow.
func final(op Opcode, payload string) []byte { return testkit.MaskedFrame(finBit|byte(op), payload) }
func more(op Opcode, payload string) []byte  { return testkit.MaskedFrame(byte(op), payload) }

func join(frames ...[]byte) []byte { return bytes.Join(frames, nil) }

func closing(code int, reason string) []byte {
	return final(Close, string([]byte{byte(code >> 8), byte(code)})+reason)
}
