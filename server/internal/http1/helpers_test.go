package http1

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"hipflask/testdata/testkit"
)

// site is an http.Server, with or without Conns.
type site struct {
	conns *Conns
	web   *http.Server
	addr  string
	taken atomic.Int64 // requests that Conns have served
}

// serveSite serves a handler at an address of its own. options changes the Options; nil: net/http
// alone serves. Connections come from net/http, with their first request.
func serveSite(t testing.TB, handler http.HandlerFunc, options func(*Options)) *site {
	t.Helper()
	return serve(t, handler, options, func(_ *Conns, l net.Listener) net.Listener { return l })
}

// serveFresh is serveSite, and connections are read from their beginning on.
func serveFresh(t testing.TB, handler http.HandlerFunc, options func(*Options)) *site {
	t.Helper()
	return serve(t, handler, options, (*Conns).Reads)
}

func serve(t testing.TB, handler http.HandlerFunc, options func(*Options), listen func(*Conns, net.Listener) net.Listener) *site {
	t.Helper()
	s := &site{}
	front := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		Restore(r)
		if s.conns.Take(w, r) {
			return
		}
		if _, ok := w.(Later); ok {
			s.taken.Add(1)
		}
		handler(w, r)
	})
	s.web = &http.Server{Handler: front, ConnContext: ConnContext, ReadHeaderTimeout: testkit.Deadline}
	dir, err := os.MkdirTemp("", "") // a short path; a fuzz target would run out of ports
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s.addr = filepath.Join(dir, "s")
	l, err := net.Listen("unix", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 2)
	if options == nil {
		ended <- http.ErrServerClosed
	} else {
		o := Options{
			Handler:       front,
			Takes:         func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/poll") },
			HeaderTimeout: testkit.Deadline,
			IdleTimeout:   testkit.Deadline,
			Track:         func(net.Conn, http.ConnState) {},
		}
		options(&o)
		s.conns = New(o)
		go func() { ended <- s.web.Serve(s.conns.Listener()) }()
		l = listen(s.conns, l)
	}
	go func() { ended <- s.web.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testkit.Deadline)
		defer cancel()
		if err := s.conns.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		_ = s.web.Close()
		for range 2 {
			if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
				t.Error(err)
			}
		}
	})
	return s
}

// peer is a client's connection.
type peer struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

func (s *site) dial(t testing.TB) *peer {
	t.Helper()
	nc, err := net.Dial("unix", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(testkit.Deadline))
	return &peer{nc, t, bufio.NewReader(nc)}
}

func (p *peer) send(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p, text); err != nil {
		p.t.Fatal(err)
	}
}

// answer reads one answer.
func (p *peer) answer() (*http.Response, string) {
	p.t.Helper()
	r, err := http.ReadResponse(p.r, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return r, string(body)
}

// asks sends a request and wants this body.
func (p *peer) asks(request, want string) {
	p.t.Helper()
	p.send(request)
	if _, body := p.answer(); body != want {
		p.t.Errorf("%q was answered %q, want %q", request, body, want)
	}
}

// ends wants the connection's end, which is a reset where something was still being sent.
func (p *peer) ends() {
	p.t.Helper()
	if b, err := p.r.ReadByte(); err != io.EOF && !errors.Is(err, syscall.ECONNRESET) {
		p.t.Errorf("read %q, %v, want the end", b, err)
	}
}

const (
	get  = "GET /poll?n=%d HTTP/1.1\r\nHost: x\r\n\r\n"
	post = "POST /poll HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
)

func getOf(n int) string        { return fmt.Sprintf(get, n) }
func postOf(text string) string { return fmt.Sprintf(post, len(text), text) }

// echo answers with what it was asked.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusTeapot)
		return
	}
	fmt.Fprintf(w, "%s %s %s %d %q", r.Method, r.RequestURI, r.Host, r.ContentLength, body)
}
