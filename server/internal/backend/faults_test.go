package backend_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hipflask/server/internal/backend"
	"hipflask/testdata/testkit"
)

func TestBackendThatIsAway(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	f := newFront(t, "http://"+addr, nil)
	for range 20 {
		resp, body := f.get(t, "/")
		if resp.StatusCode != http.StatusBadGateway || !strings.Contains(body, "does not answer") || strings.Contains(body, addr) {
			t.Fatalf("%v %q", resp.Status, body)
		}
	}
	if lines := f.log.lines(); len(lines) != 1 || !strings.Contains(lines[0], "cause=backend") || !strings.Contains(lines[0], addr) {
		t.Errorf("the log: %q", lines)
	}
	if s := f.backend.Stats(); s.Failed != 20 || s.Requests != 20 {
		t.Errorf("%+v", s)
	}
	if l, err = net.Listen("tcp", addr); err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler()}
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	if resp, _ := f.get(t, "/"); resp.StatusCode != http.StatusNotFound {
		t.Fatalf("%v", resp.Status)
	}
	if lines := f.log.lines(); len(lines) != 2 || !strings.Contains(lines[1], "answers again") {
		t.Errorf("the log: %q", lines)
	}
}

func TestBackendThatIsNoWebServer(t *testing.T) {
	for name, text := range map[string]string{
		"closes at once": "",
		"garbage":        "\x00\xff\x80 hello\r\n\r\n",
		"endless line":   "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("a", 1<<20),
		"many headers":   "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", 20_000) + "\r\n",
		"bad length":     "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
		"two lengths":    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
		"no upgrade":     "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
		"many 100s":      strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 10_000),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFront(t, rawBackend(t, func(conn net.Conn) {
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					_, _ = io.WriteString(conn, text)
				}
			}), nil)
			_, in := f.dial(t, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
			resp, err := http.ReadResponse(in, nil)
			for err == nil && resp.StatusCode == http.StatusContinue {
				resp, err = http.ReadResponse(in, nil)
			}
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != http.StatusBadGateway {
				t.Errorf("%v", resp.Status)
			}
			if lines := f.log.lines(); len(lines) != 1 || len(lines[0]) > 500 {
				t.Errorf("the log: %q", lines)
			}
		})
	}
}

func TestBackendThatNeverAnswers(t *testing.T) {
	f := newFront(t, rawBackend(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }),
		func(o *backend.Options) { o.Hurry(100*time.Millisecond, 0) })
	resp, body := f.get(t, "/")
	if resp.StatusCode != http.StatusGatewayTimeout || !strings.Contains(body, "too long") {
		t.Errorf("%v %q", resp.Status, body)
	}
	if s := f.backend.Stats(); s.TimedOut != 1 || s.Failed != 0 {
		t.Errorf("%+v", s)
	}
}

func TestAnswerThatBreaksOffIsNotTakenForAWholeOne(t *testing.T) {
	for name, head := range map[string]string{"length": "Content-Length: 100\r\n\r\n", "chunks": "Transfer-Encoding: chunked\r\n\r\n64\r\n"} {
		t.Run(name, func(t *testing.T) {
			f := newFront(t, rawBackend(t, func(conn net.Conn) {
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+head+"hello")
				}
			}), nil)
			_, in := f.dial(t, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if text, err := io.ReadAll(resp.Body); err == nil || string(text) != "hello" {
				t.Errorf("%q, %v", text, err)
			}
			testkit.Eventually(t, "count", func() bool { return f.backend.Stats().BrokenOff == 1 })
			if lines := f.log.lines(); len(lines) != 1 || !strings.Contains(lines[0], "broke off") {
				t.Errorf("the log: %q", lines)
			}
		})
	}
}

// A client that leaves takes its request at the backend with it, and is no fault of it.
func TestClientThatLeaves(t *testing.T) {
	began, left := make(chan struct{}), make(chan struct{})
	f := behind(t, func(_ http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done()
		close(left)
	})
	conn, _ := f.dial(t, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	testkit.Await(t, began, "request")
	_ = conn.Close()
	testkit.Await(t, left, "end of the request")
	testkit.Eventually(t, "end", func() bool { return f.backend.Stats().Active == 0 })
	if s := f.backend.Stats(); s.Cancelled != 1 || s.Failed != 0 {
		t.Errorf("%+v", s)
	}
	if lines := f.log.lines(); lines[0] != "" {
		t.Errorf("the log: %q", lines)
	}
}

func TestRequestThatComesBackIsRefused(t *testing.T) {
	var through http.Handler
	middle := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { through.ServeHTTP(w, r) }))
	defer middle.Close()
	f := newFront(t, middle.URL, nil)
	through = f.backend // as behind a name that leads back here
	resp, _ := f.get(t, "/")
	if resp.StatusCode != http.StatusLoopDetected {
		t.Errorf("%v", resp.Status)
	}
	if n := f.backend.Stats().Requests; n != 1 {
		t.Errorf("%d requests", n)
	}
	if lines := f.log.lines(); len(lines) != 1 || !strings.Contains(lines[0], "cause=backend") {
		t.Errorf("the log: %q", lines)
	}
}

// Two servers that are each other's backend find out as well.
func TestRequestThatGoesRoundIsRefused(t *testing.T) {
	var second http.Handler
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { second.ServeHTTP(w, r) }))
	defer other.Close()
	first := newFront(t, other.URL, nil)
	second = newFront(t, first.URL, nil).backend
	if resp, _ := first.get(t, "/"); resp.StatusCode != http.StatusLoopDetected {
		t.Errorf("%v", resp.Status)
	}
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Host+r.URL.Path)
	})}
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	f := newFront(t, "unix:"+path, nil)
	if _, body := f.get(t, "/a"); body != "example.com/a" {
		t.Errorf("%q", body)
	}
}

func TestCertificateOfTheBackendIsChecked(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = nil
	server.StartTLS()
	defer server.Close()
	f := newFront(t, server.URL, nil)
	if resp, _ := f.get(t, "/"); resp.StatusCode != http.StatusBadGateway {
		t.Errorf("%v", resp.Status)
	}
	if lines := f.log.lines(); !strings.Contains(lines[0], "certificate") {
		t.Errorf("the log: %q", lines)
	}
}

func TestCloseEndsWhatHasNoEndAndLetsTheRestFinish(t *testing.T) {
	began, finish := make(chan struct{}), make(chan struct{})
	f := behind(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/events":
			w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		case "/page":
			close(began)
			<-finish
			_, _ = io.WriteString(w, "whole")
		}
	})
	events, err := http.Get(f.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer events.Body.Close()
	_, page := f.dial(t, "GET /page HTTP/1.1\r\nHost: a\r\n\r\n")
	testkit.Await(t, began, "request")
	closed := make(chan error, 1)
	go func() { closed <- f.backend.Close(context.Background()) }()
	if _, err := io.ReadAll(events.Body); err == nil {
		t.Error("the events ended as if they were complete")
	}
	if resp, _ := f.get(t, "/new"); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a late request: %v", resp.Status)
	}
	close(finish)
	resp, err := http.ReadResponse(page, nil)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(resp.Body); string(text) != "whole" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if err := testkit.Await(t, closed, "end"); err != nil {
		t.Error(err)
	}
}

func TestCloseEndsWebSockets(t *testing.T) {
	f := newFront(t, rawBackend(t, upgrading), nil)
	_, in := openWebSocket(t, f)
	if err := f.backend.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if _, err := in.ReadByte(); err == nil || isTimeout(err) {
		t.Errorf("the WebSocket is still there: %v", err)
	}
}

func TestCloseCutsWhatTakesTooLong(t *testing.T) {
	target := rawBackend(t, func(conn net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		if r.URL.Path == "/flood" {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
			for err == nil {
				_, err = conn.Write(make([]byte, 64<<10))
			}
			return
		}
		_, _ = io.Copy(io.Discard, conn)
	})
	f := newFront(t, target, nil)
	f.dial(t, "GET /hangs HTTP/1.1\r\nHost: a\r\n\r\n")
	f.dial(t, "GET /flood HTTP/1.1\r\nHost: a\r\n\r\n") // and it is not read
	f.dial(t, "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
	testkit.Eventually(t, "requests", func() bool { return f.backend.Stats().Active == 3 })
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := f.backend.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	testkit.Eventually(t, "end of all", func() bool { return f.backend.Stats().Active == 0 })
}
