package protocol

import (
	"bufio"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"hipflask/testdata/testkit"
)

// The faults of the named library that can be seen over HTTP: see faults_test.go.

// Fault: a polling packet of 64 KB or more is lost, and the session is dead.
func TestFaultLargePollingPacketsAreLost(t *testing.T) {
	addr := target(t)
	observer := testkit.JoinWebSocket(t, addr)
	for _, version := range []int{4, 3} {
		for _, size := range []int{60_000, 70_000, 500_000, 900_000} {
			name := fmt.Sprintf("%d bytes by Engine.IO %d", size, version)
			t.Run(name, func(t *testing.T) {
				p := testkit.JoinPolling(t, addr, version)
				large := testkit.Message(strings.Repeat("0123456789", size/10))
				p.Send(large)
				p.Hears(large)
				p.Chats("after " + name)
				observer.Hears(large, testkit.Message("after "+name))
			})
		}
	}
}

// Fault: a chunked POST is read without limit. This one is over the limit and has no end: only a
// server that stops to read answers it.
func TestFaultChunkedPOSTIsReadWithoutLimit(t *testing.T) {
	addr := target(t)
	unharmed := testkit.Bystander(t, addr)
	p := testkit.JoinPolling(t, addr, 4)
	conn, err := testkit.DialTCP(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	sent := make(chan struct{})
	go func() { // it stands still once the server reads no more
		defer close(sent)
		path := strings.TrimPrefix(p.URL, "http://"+addr)
		_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: chunked\r\n\r\n", path, addr)
		chunk := "8000\r\n" + strings.Repeat("x", 0x8000) + "\r\n"
		for range 2_000_000 / 0x8000 {
			if _, err := io.WriteString(conn, chunk); err != nil {
				return
			}
		}
	}()
	got, err := testkit.ReadAnswer(conn, bufio.NewReader(conn), http.MethodPost)
	_ = conn.Close()
	<-sent
	if err != nil || got.Status != http.StatusRequestEntityTooLarge {
		t.Fatalf("answered %v, %v; want 413", got, err)
	}
	p.Unknown()
	unharmed("a chunked POST")
}

// Fault: a POST with octet-stream on Engine.IO 4 hangs.
func TestFaultOctetStreamPOSTHangs(t *testing.T) {
	p := testkit.JoinPolling(t, target(t), 4)
	if got := p.Post("application/octet-stream", "42[\"message\",\"x\"]"); got.Status != http.StatusBadRequest {
		t.Errorf("answered %v, want 400", got)
	}
	p.Unknown()
}

// Fault: a garbage POST is answered 200, and the session lives on.
func TestFaultGarbagePOSTIsAnswered200(t *testing.T) {
	addr := target(t)
	for _, garbage := range []string{"garbage", "\x1e\x1e", "9", "b%%%", "4\xff", ""} {
		p := testkit.JoinPolling(t, addr, 4)
		testkit.CheckRefusal(t, p.Post("text/plain;charset=UTF-8", garbage), 3)
		p.Unknown()
	}
}

// Fault: responses over 1024 bytes are never compressed.
func TestFaultResponsesAreNeverCompressed(t *testing.T) {
	addr := target(t)
	large := testkit.Message(strings.Repeat("to be compressed ", 100))
	for _, encoding := range []string{"gzip", "deflate"} {
		for _, accept := range []string{encoding, encoding + ", br", "br, " + encoding + ";q=0.5, identity"} {
			p := testkit.JoinPolling(t, addr, 4)
			p.Send(large)
			got := p.Get(http.Header{"Accept-Encoding": {accept}})
			if got.Header.Get("Content-Encoding") != encoding || len(got.Body) > len(large)/2 {
				t.Errorf("Accept-Encoding %q was answered %v", accept, got)
				continue
			}
			if text, err := decompress(encoding, got.Body); err != nil || text != large {
				t.Errorf("%s decompresses to %.100q, %v", encoding, text, err)
			}
		}
	}
}

func decompress(encoding, body string) (string, error) {
	var r io.ReadCloser
	var err error
	if encoding == "gzip" {
		r, err = gzip.NewReader(strings.NewReader(body))
	} else {
		r, err = zlib.NewReader(strings.NewReader(body))
	}
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(r)
	return string(text), err
}

// Fault: the client's script is not served at /socket.io/socket.io.js.
func TestFaultClientScriptIsNotServed(t *testing.T) {
	got := testkit.Ask(t, target(t), http.MethodGet, "/socket.io/socket.io.js", nil, "")
	if got.Status != http.StatusOK || !strings.Contains(got.Header.Get("Content-Type"), "javascript") ||
		!strings.Contains(got.Body, "Socket.IO v4.") {
		t.Errorf("answered %v", got)
	}
}
