package engineio

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// benchSessions opens WebSockets whose clients read all they are sent.
func benchSessions(b *testing.B, n int) (*Server, []*Session) {
	b.Helper()
	opened := make(chan *Session, 1)
	srv := NewServer(Config{WebSocket: true, Open: func(s *Session) Receiver {
		opened <- s
		return discard{}
	}})
	h := httptest.NewServer(srv)
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = srv.Shutdown(ctx) // clients that only read do not answer the close
		h.Close()
	})
	var all []*Session
	for range n {
		c, err := net.Dial("tcp", h.Listener.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { c.Close() })
		fmt.Fprint(c, "GET /?EIO=4&transport=websocket HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
		r := bufio.NewReaderSize(c, 1024)
		if resp, err := http.ReadResponse(r, nil); err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
			b.Fatal(resp, err)
		}
		go io.Copy(io.Discard, c)
		all = append(all, <-opened)
	}
	return srv, all
}

type discard struct{}

func (discard) Text([]byte) error   { return nil }
func (discard) Binary([]byte) error { return nil }
func (discard) Closed(Reason)       {}

func benchMessage(b *testing.B, text string) *Message {
	m, err := NewMessage(len(text), func(dst []byte) ([]byte, [][]byte, error) { return append(dst, text...), nil, nil })
	if err != nil {
		b.Fatal(err)
	}
	return m
}

// BenchmarkSend sends one client a message of its own, as an acknowledgement is.
func BenchmarkSend(b *testing.B) {
	_, sessions := benchSessions(b, 1)
	b.ReportAllocs()
	for b.Loop() {
		sessions[0].Send(benchMessage(b, `31[]`))
	}
}

// BenchmarkRound queues one message for 100 clients. What the flusher writes
// meanwhile is in the time; when it lags, several leave in one write.
func BenchmarkRound(b *testing.B) {
	for _, size := range []int{32, 16 << 10} {
		b.Run(fmt.Sprintf("%dB-to-100", size), func(b *testing.B) {
			srv, sessions := benchSessions(b, 100)
			text := `2["message","` + strings.Repeat("x", size) + `"]`
			b.ReportAllocs()
			for b.Loop() {
				m := benchMessage(b, text)
				m.Share()
				round := srv.Begin()
				for _, s := range sessions {
					round.Queue(s, m)
				}
				round.End()
			}
		})
	}
}
