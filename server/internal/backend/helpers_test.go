package backend_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"hipflask/server/internal/backend"
	"hipflask/server/internal/relay"
	"hipflask/testdata/testkit"
)

// record is a log that a test reads.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) lines() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Split(strings.TrimSuffix(r.text.String(), "\n"), "\n")
}

// front is a server with nothing but a backend behind it.
type front struct {
	*httptest.Server
	backend *backend.Backend
	log     *record
	target  string
}

func newFront(t *testing.T, target string, change func(*backend.Options)) *front {
	t.Helper()
	to, err := relay.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	log := new(record)
	opts := backend.Options{Target: to, Logger: slog.New(slog.NewTextHandler(log, nil))}
	if change != nil {
		change(&opts)
	}
	b, err := backend.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(b)
	server.Config.WriteTimeout = time.Second // it must not cut an answer
	server.Start()
	t.Cleanup(func() {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		_ = b.Close(ended)
		server.CloseClientConnections()
		server.Close()
	})
	return &front{server, b, log, target}
}

// behind starts a backend with this handler and a front before it.
func behind(t *testing.T, handler http.HandlerFunc) *front {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return newFront(t, server.URL, nil)
}

// rawBackend listens, and has talk deal with each connection.
func rawBackend(t *testing.T, talk func(net.Conn)) string {
	t.Helper()
	return "http://" + testkit.Serve(t, func(conn net.Conn) {
		_ = conn.SetDeadline(time.Now().Add(testkit.Deadline))
		talk(conn)
	})
}

// dial opens a connection to the front and writes text.
func (f *front) dial(t *testing.T, text string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", f.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(testkit.Deadline))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

// ask sends a request as text and reads the answer.
func (f *front) ask(t *testing.T, text string) (*http.Response, string) {
	t.Helper()
	_, in := f.dial(t, text)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(data)
}

func (f *front) get(t *testing.T, path string) (*http.Response, string) {
	t.Helper()
	return f.ask(t, "GET "+path+" HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n")
}

// echoHead answers with the head of the request, as it came over the wire.
func echoHead(conn net.Conn) {
	in := bufio.NewReader(conn)
	var head strings.Builder
	for {
		line, err := in.ReadString('\n')
		head.WriteString(line)
		if err != nil || strings.TrimSpace(line) == "" {
			break
		}
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"+head.String())
}

// received is what echoHead has seen.
func received(t *testing.T, text string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return r
}
