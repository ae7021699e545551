package backend_test

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"hipflask/server/internal/backend"
	"hipflask/testdata/testkit"
)

func TestAnswersArriveAsTheyAre(t *testing.T) {
	f := behind(t, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		switch r.URL.Path {
		case "/redirect":
			h.Set("Location", "http://127.0.0.1:8000/login?next=%2F")
			h.Add("Set-Cookie", "session=a.b.c; HttpOnly; Path=/")
			h.Add("Set-Cookie", "two=2")
			w.WriteHeader(http.StatusFound)
		case "/untyped":
			h["Content-Type"] = nil
			_, _ = io.WriteString(w, "<html>")
		case "/zipped":
			h.Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, strings.Repeat("text ", 100))
			_ = z.Close()
		case "/teapot":
			h.Set("Server", "gunicorn")
			w.WriteHeader(http.StatusTeapot)
		}
	})
	resp, _ := f.get(t, "/redirect")
	if resp.StatusCode != http.StatusFound || resp.Header.Get("Location") != "http://127.0.0.1:8000/login?next=%2F" ||
		len(resp.Header["Set-Cookie"]) != 2 || resp.Header["Set-Cookie"][0] != "session=a.b.c; HttpOnly; Path=/" {
		t.Errorf("%v", resp.Header)
	}
	if resp, body := f.get(t, "/untyped"); body != "<html>" || len(resp.Header["Content-Type"]) > 0 {
		t.Errorf("%q, %v", body, resp.Header)
	}
	if resp, body := f.get(t, "/zipped"); resp.Header.Get("Content-Encoding") != "gzip" || strings.Contains(body, "text") {
		t.Errorf("%q, %v", body, resp.Header)
	}
	if resp, _ := f.get(t, "/teapot"); resp.StatusCode != http.StatusTeapot || resp.Header.Get("Server") != "gunicorn" {
		t.Errorf("%v %v", resp.Status, resp.Header)
	}
}

func TestNoHeaderOfOursIsOnAnAnswer(t *testing.T) {
	f := behind(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Its", "own") })
	inner := f.Config.Handler
	f.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		inner.ServeHTTP(w, r)
	})
	resp, _ := f.get(t, "/")
	if resp.Header.Get("X-Its") != "own" || resp.Header.Get("X-Content-Type-Options") != "" {
		t.Errorf("%v", resp.Header)
	}
}

// Long bodies are passed on in both directions at once and never held.
func TestBodiesAreStreamed(t *testing.T) {
	const size = 200 << 20
	f := behind(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		_ = http.NewResponseController(w).EnableFullDuplex()
		_, _ = io.Copy(w, r.Body)
	})
	inner := f.Config.Handler
	f.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		inner.ServeHTTP(w, r)
	})
	sent, got := sha256.New(), sha256.New()
	source := io.TeeReader(io.LimitReader(rand.NewChaCha8([32]byte{1}), size), sent)
	resp, err := http.Post(f.URL, "application/octet-stream", source)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	most := uint64(0)
	for read := int64(0); ; {
		n, err := io.CopyN(got, resp.Body, 16<<20)
		read += n
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapInuse)
		if err == io.EOF && read == size {
			break
		}
		if err != nil {
			t.Fatalf("%v after %d bytes", err, read)
		}
	}
	if string(sent.Sum(nil)) != string(got.Sum(nil)) {
		t.Error("what came back is not what was sent")
	}
	if most > 100<<20 {
		t.Errorf("%d MiB of memory were in use", most>>20)
	}
}

// Who asks before it sends a body is told, and by the backend's answer if it wants none.
func TestExpectContinue(t *testing.T) {
	f := behind(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/no" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = io.Copy(w, r.Body)
	})
	const head = " HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
	conn, in := f.dial(t, "POST /yes"+head)
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != http.StatusContinue {
		t.Fatalf("%v, %v", resp, err)
	}
	if _, err := io.WriteString(conn, "hello"); err != nil {
		t.Fatal(err)
	}
	for resp.StatusCode == http.StatusContinue && err == nil {
		resp, err = http.ReadResponse(in, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(resp.Body); string(text) != "hello" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if resp, _ := f.ask(t, "POST /no"+head); resp.StatusCode != http.StatusForbidden {
		t.Errorf("%v", resp.Status)
	}
}

func TestServerSentEventsArriveAtOnce(t *testing.T) {
	goOn := make(chan struct{})
	f := behind(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			_, _ = fmt.Fprintf(w, "data: %d\n\n", i)
			_ = http.NewResponseController(w).Flush()
			<-goOn
		}
	})
	resp, err := http.Get(f.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	in := bufio.NewReader(resp.Body)
	for i := range 3 {
		line, err := in.ReadString('\n')
		if err != nil || line != fmt.Sprintf("data: %d\n", i) {
			t.Fatalf("%q, %v", line, err)
		}
		_, _ = in.ReadString('\n')
		if i == 0 {
			time.Sleep(1200 * time.Millisecond) // longer than the server's WriteTimeout
		}
		goOn <- struct{}{}
	}
}

// upgrading answers a WebSocket's request and echoes what comes, in bytes.
func upgrading(conn net.Conn) {
	in := bufio.NewReader(conn)
	if _, err := http.ReadRequest(in); err != nil {
		return
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\nfirst")
	_, _ = io.Copy(conn, in)
}

const upgrade = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n"

func openWebSocket(t *testing.T, f *front) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, in := f.dial(t, upgrade)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("Sec-WebSocket-Accept") != "x" {
		t.Fatalf("%v %v", resp.Status, resp.Header)
	}
	expect(t, in, "first")
	return conn, in
}

func expect(t *testing.T, in io.Reader, text string) {
	t.Helper()
	got := make([]byte, len(text))
	if _, err := io.ReadFull(in, got); err != nil || string(got) != text {
		t.Fatalf("%q, %v, want %q", got, err, text)
	}
}

func TestWebSocketsArePassedOn(t *testing.T) {
	f := newFront(t, rawBackend(t, upgrading), nil)
	conn, in := openWebSocket(t, f)
	for range 3 {
		if _, err := io.WriteString(conn, "ping"); err != nil {
			t.Fatal(err)
		}
		expect(t, in, "ping")
	}
	if s := f.backend.Stats(); s.Upgraded != 1 || s.Active != 1 {
		t.Errorf("%+v", s)
	}
	_ = conn.Close()
	testkit.Eventually(t, "end of the stream", func() bool { return f.backend.Stats().Active == 0 })
}

// One that reads nothing costs its own connection, and the backend is let go.
func TestClientThatDoesNotReadIsCut(t *testing.T) {
	gone := make(chan error, 2)
	flood := func(w io.Writer) {
		for {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				gone <- err
				return
			}
		}
	}
	target := rawBackend(t, func(conn net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		if r.URL.Path == "/ws" {
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		} else {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2147483648\r\n\r\n")
		}
		flood(conn)
	})
	f := newFront(t, target, func(o *backend.Options) { o.Hurry(0, 200*time.Millisecond) })
	f.dial(t, upgrade)
	f.dial(t, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	for range 2 {
		select {
		case err := <-gone:
			if isTimeout(err) {
				t.Errorf("the backend was left to wait: %v", err)
			}
		case <-time.After(testkit.Deadline):
			t.Fatal("the backend was left to wait")
		}
	}
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

func TestClientThatDoesNotSendItsBodyIsCut(t *testing.T) {
	ended := make(chan error, 1)
	f := behind(t, func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		ended <- err
	})
	hurried := newFront(t, f.target, func(o *backend.Options) { o.Hurry(0, 200*time.Millisecond) })
	hurried.dial(t, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
	if err := testkit.Await(t, ended, "end of the request"); err == nil {
		t.Error("the backend got the whole of a body that was not sent")
	}
	testkit.Eventually(t, "end of the stream", func() bool { return hurried.backend.Stats().Active == 0 })
	if s := hurried.backend.Stats(); s.Failed+s.TimedOut != 0 || s.Cancelled != 1 {
		t.Errorf("the backend is blamed: %+v", s)
	}
}
