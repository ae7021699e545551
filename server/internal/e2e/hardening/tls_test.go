package hardening

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// halfWriter is a socket beneath a client's TLS, which sends only half of each record once halves
// is set.
type halfWriter struct {
	net.Conn
	halves bool
}

func (w *halfWriter) Write(p []byte) (int, error) {
	if !w.halves {
		return w.Conn.Write(p)
	}
	if _, err := w.Conn.Write(p[:len(p)/2]); err != nil {
		return 0, err
	}
	return len(p), nil
}

// halfRecord joins over TLS and says half of something.
func halfRecord(t *testing.T, s *harness.Server, config *tls.Config) *testkit.Client {
	t.Helper()
	var w *halfWriter
	conn := harness.DialTLS(t, s.Addr, config, func(nc net.Conn) net.Conn {
		w = &halfWriter{Conn: nc}
		return w
	})
	c := testkit.JoinOver(t, conn, s.Addr, "")
	w.halves = true
	c.Send(testkit.Message("half"))
	return c
}

// Clients of which half a record is there hold no goroutines, and nobody else is harmed.
func TestHardeningHalfRecordsHoldNoGoroutines(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("connections without a goroutine are there on Linux only")
	}
	s, config := harness.StartTLS(t)
	other := testkit.JoinOver(t, harness.DialTLS(t, s.Addr, config, nil), s.Addr, "")
	before := runtime.NumGoroutine()
	const n = 100
	for range n {
		halfRecord(t, s, config)
	}
	testkit.Eventually(t, "fewer goroutines than clients", func() bool { return runtime.NumGoroutine() < before+n/2 })
	other.Chats("unharmed")
}

// Half a record is no sign of life.
func TestHardeningHalfRecordsDoNotAnswerPings(t *testing.T) {
	s, config := harness.StartTLS(t, "--ping-interval", "100ms", "--ping-timeout", "500ms")
	c := halfRecord(t, s, config)
	for {
		if _, err := c.Packet(); err != nil {
			break // the server has closed; a test that waits in vain ends with its deadline
		}
	}
	s.Stdout.WaitText(t, "Client disconnected")
}

// byByte passes on to addr what a client sends, each byte by itself.
func byByte(t *testing.T, addr string) string {
	t.Helper()
	one := func(server, client net.Conn) {
		defer server.Close()
		var b [1]byte
		for {
			if _, err := client.Read(b[:]); err != nil {
				return
			}
			if _, err := server.Write(b[:]); err != nil {
				return
			}
		}
	}
	return testkit.StartProxy(t, addr, one, testkit.Copy).Addr().String()
}

// openssl is the client of OpenSSL, a WebSocket to the server. What it reads is its output.
type openssl struct {
	t     *testing.T
	stdin io.Writer
	out   *testkit.Output
	ended chan error
}

func startOpenSSL(t *testing.T, addr string, args ...string) *openssl {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		testkit.Absent(t, "needs openssl on the PATH")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, path, append([]string{"s_client", "-connect", byByte(t, addr)}, args...)...)
	o := &openssl{t: t, out: testkit.NewOutput(), ended: make(chan error, 1)}
	cmd.Stdout, cmd.Stderr = o.out, o.out
	o.stdin, err = cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { o.ended <- cmd.Wait() }()
	t.Cleanup(cancel)
	o.out.WaitText(t, "Verify return code")
	o.send(testkit.UpgradeRequest(addr, testkit.WebSocketPath, nil))
	o.out.WaitText(t, "pingInterval")
	o.send(string(testkit.TextFrames("40")))
	o.out.WaitText(t, "40{")
	return o
}

func (o *openssl) send(text string) {
	o.t.Helper()
	if _, err := io.WriteString(o.stdin, text); err != nil {
		o.t.Fatal(err)
	}
}

func (o *openssl) chats(text string) {
	o.t.Helper()
	o.send(string(testkit.TextFrames(testkit.Message(text))))
	o.out.WaitText(o.t, testkit.Message(text))
}

// Clients change their keys, and ask the server to, however slowly the records of that come.
func TestHardeningNewKeysByteByByte(t *testing.T) {
	s, _ := harness.StartTLS(t)
	o := startOpenSSL(t, s.Addr, "-tls1_3")
	o.chats("with the first keys")
	for i, command := range []string{"K\n", "k\n", "K\n"} { // K asks the server for new keys as well
		o.send(command)
		o.out.WaitFor(t, "change of keys", testkit.Deadline, func(text string) bool { return strings.Count(text, "KEYUPDATE") > i })
		o.chats(fmt.Sprint("with other keys ", i))
	}
}

// Renegotiation is refused and ends that client alone.
func TestHardeningNoRenegotiation(t *testing.T) {
	s, config := harness.StartTLS(t)
	other := testkit.JoinOver(t, harness.DialTLS(t, s.Addr, config, nil), s.Addr, "")
	o := startOpenSSL(t, s.Addr, "-tls1_2")
	o.chats("before")
	o.send("R\n")
	testkit.Await(t, o.ended, "end of openssl")
	s.Stdout.WaitText(t, "Client disconnected")
	other.Chats("unharmed")
}
