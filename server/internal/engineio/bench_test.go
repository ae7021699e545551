package engineio

import (
	"fmt"
	"io"
	"testing"

	"hipflask/server/internal/websocket"
)

// What one frame costs on its way out beside the system call: queueing it and
// taking it for a write, alone and in a batch.
func BenchmarkTake(b *testing.B) {
	for _, batch := range []int{1, 16} {
		b.Run(fmt.Sprint(batch), func(b *testing.B) {
			s := &Session{srv: benchServer(b), protocol: 4}
			m := textMessage(b, `2["message","what somebody says to all the others"]`)
			m.Share()
			for b.Loop() {
				s.mu.Lock()
				for range batch {
					s.push(m)
				}
				out, _ := s.take()
				s.mu.Unlock()
				s.srv.free(out)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/frame")
		})
	}
}

// What one message costs on its way in, from its frame to the receiver.
func BenchmarkReceive(b *testing.B) {
	s := &Session{srv: benchServer(b), protocol: 4, rcv: deaf{}}
	data := []byte(`42["message","what somebody says to all the others"]`)
	for b.Loop() {
		if err := s.frame(websocket.Text, data); err != nil {
			b.Fatal(err)
		}
	}
}

// A broadcast to clients on this machine, system calls and their reading included.
func BenchmarkBroadcast(b *testing.B) {
	const clients = 100
	f := start(b)
	var all []*opened
	for range clients {
		o, p := f.websocket(4)
		all = append(all, o)
		go func() { _, _ = io.Copy(io.Discard, p.conn) }()
	}
	for b.Loop() {
		m := textMessage(b, `2["message","what somebody says to all the others"]`)
		m.Share()
		r := f.srv.Begin()
		for _, o := range all {
			r.Queue(o.Session, m)
		}
		r.End()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*clients), "ns/frame")
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
