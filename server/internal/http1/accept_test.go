package http1

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"hipflask/server/internal/socket"
	"hipflask/testdata/testkit"
)

// A connection that is read from its beginning on goes to net/http with what is for that, and comes
// back.
func TestFresh(t *testing.T) {
	s := serveFresh(t, func(w http.ResponseWriter, r *http.Request) {
		if addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); !ok || addr.Network() != "unix" {
			t.Errorf("%s came over %v", r.URL, addr)
		}
		echo(w, r)
	}, asIs)
	const page = "GET /page HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, first := range []struct {
		request, body string
		taken         int64 // of it and two polls behind it
	}{{getOf(1), `GET /poll?n=1 x 0 ""`, 3}, {postOf("a"), `POST /poll x 1 "a"`, 3}, {page, `GET /page x 0 ""`, 2}} {
		s.taken.Store(0)
		p := s.dial(t)
		p.asks(first.request, first.body)
		p.asks(getOf(2), `GET /poll?n=2 x 0 ""`)
		p.asks(page, `GET /page x 0 ""`)
		p.asks(getOf(3), `GET /poll?n=3 x 0 ""`)
		if n := s.taken.Load(); n != first.taken {
			t.Errorf("behind %q, %d were taken, want %d", first.request, n, first.taken)
		}
	}
}

// The first header has its time from the beginning on, whether or not anything of it comes.
func TestFreshTimeout(t *testing.T) {
	s := serveFresh(t, echo, func(o *Options) { o.HeaderTimeout = 50 * time.Millisecond })
	for _, begun := range []string{"", "GE", "GET /poll HTTP/1.1\r\nHost: x\r\n"} {
		p := s.dial(t)
		p.send(begun)
		p.ends()
	}
}

// Whoever takes a connection over has it without a deadline, and whatever came behind the request.
// A shutdown leaves it alone.
func TestTakeOver(t *testing.T) {
	for name, take := range map[string]func(http.ResponseWriter) (net.Conn, io.Reader){
		"TakeOver": func(w http.ResponseWriter) (net.Conn, io.Reader) {
			nc, early := w.(*answer).TakeOver()
			return nc, io.MultiReader(bytes.NewReader(bytes.Clone(early)), nc)
		},
		"Hijack": func(w http.ResponseWriter) (net.Conn, io.Reader) {
			nc, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
			}
			return nc, rw
		},
	} {
		t.Run(name, func(t *testing.T) {
			var hijacked atomic.Int32
			taken := make(chan net.Conn, 1)
			s := serveFresh(t, func(w http.ResponseWriter, _ *http.Request) {
				nc, r := take(w)
				if socket.Raw(socket.Beneath(nc)) == nil {
					t.Error("its socket cannot be got at")
				}
				if _, err := w.Write([]byte("x")); err != http.ErrHijacked {
					t.Errorf("writing an answer: %v", err)
				}
				early := make([]byte, 5)
				if _, err := io.ReadFull(r, early); err != nil || string(early) != "early" {
					t.Errorf("%q, %v", early, err)
				}
				taken <- nc
			}, func(o *Options) {
				o.HeaderTimeout = 50 * time.Millisecond
				o.Track = func(_ net.Conn, state http.ConnState) {
					if state == http.StateHijacked {
						hijacked.Add(1)
					}
				}
			})
			p := s.dial(t)
			p.send("GET /poll HTTP/1.1\r\n") // which begins its time
			p.send("Host: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\nearly")
			nc := testkit.Await(t, taken, "the handler")
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_ = s.conns.Shutdown(ctx)                                                                 // which cuts whatever it has
			over := time.AfterFunc(200*time.Millisecond, func() { _, _ = io.WriteString(p, "late") }) // several limits
			defer over.Stop()
			late := make([]byte, 4)
			if _, err := io.ReadFull(nc, late); err != nil || string(late) != "late" {
				t.Errorf("%q, %v", late, err)
			}
			_ = nc.Close()
			p.ends()
			if n := hijacked.Load(); n != 1 {
				t.Errorf("told %d times that it was hijacked", n)
			}
		})
	}
}

// Shutdown ends connections of which nothing has come.
func TestFreshShutdown(t *testing.T) {
	s := serveFresh(t, echo, asIs)
	p := s.dial(t)
	testkit.Eventually(t, "it is accepted", func() bool {
		s.conns.mu.Lock()
		defer s.conns.mu.Unlock()
		return len(s.conns.open) == 1
	})
	if err := s.conns.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	p.ends()
}
