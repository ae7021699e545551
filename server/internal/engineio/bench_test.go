package engineio

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"hipflask/server/internal/websocket"
)

// What one frame costs on its way out beside the system call: queueing it and
// taking it for a write, alone and in a batch.
func BenchmarkTake(b *testing.B) {
	for _, batch := range []int{1, 16} {
		b.Run(fmt.Sprint(batch), func(b *testing.B) {
			srv := benchServer(b)
			s := &Session{srv: &srv.common, protocol: 4, outbox: outbox{shared: &srv.outlet}}
			m := textMessage(b, `2["message","what somebody says to all the others"]`)
			m.Share()
			for b.Loop() {
				s.mu.Lock()
				for range batch {
					s.push(m)
				}
				out, _ := s.takeBatchLocked()
				s.mu.Unlock()
				s.shared.joined.free(out)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/frame")
		})
	}
}

// What one message costs on its way in, from its frame to the receiver.
func BenchmarkReceive(b *testing.B) {
	s := &Session{srv: &benchServer(b).common, protocol: 4, rcv: deaf{}}
	data := []byte(`42["message","what somebody says to all the others"]`)
	for b.Loop() {
		if err := s.frame(websocket.Text, data); err != nil {
			b.Fatal(err)
		}
	}
}

// Broadcasts one after another to clients on this machine, system calls and their reading
// included. When the flusher lags, several messages leave in one write.
func BenchmarkBroadcast(b *testing.B) {
	for _, c := range []struct{ clients, size int }{{10, 32}, {100, 32}, {100, 16 << 10}} {
		b.Run(fmt.Sprintf("%dx%dB", c.clients, c.size), func(b *testing.B) {
			f := start(b)
			var all []*Session
			for range c.clients {
				all = append(all, attentive(f))
			}
			text := `2["message","` + strings.Repeat("x", c.size) + `"]`
			b.ReportAllocs()
			for b.Loop() {
				m := textMessage(b, text)
				m.Share()
				r := f.srv.Begin()
				for _, s := range all {
					r.Queue(s, m)
				}
				r.End()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*c.clients), "ns/frame")
		})
	}
}

// A message to one client, as an acknowledgement is.
func BenchmarkSend(b *testing.B) {
	s := attentive(start(b))
	b.ReportAllocs()
	for b.Loop() {
		s.Send(textMessage(b, `31[]`))
	}
}

// attentive is the session of a client that reads all it is sent.
func attentive(f *fixture) *Session {
	o, p := f.websocket(4)
	go func() { _, _ = io.Copy(io.Discard, p.conn) }()
	return o.Session
}

func benchServer(b *testing.B) *Server {
	srv := NewServer(Config{})
	b.Cleanup(func() { _ = srv.Shutdown(b.Context()) })
	return srv
}

// deaf takes everything and does nothing.
type deaf struct{}

func (deaf) Text([]byte) error   { return nil }
func (deaf) Binary([]byte) error { return nil }
func (deaf) Closed(Reason)       {}
