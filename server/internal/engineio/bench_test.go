package engineio

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"hipflask/server/internal/websocket"
	"hipflask/testdata/testkit"
)

// What one frame costs on its way out beside the system call: queueing it and taking it for a
// write, alone and in a batch.
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

// Broadcasts one after another to clients on this machine, system calls and their reading included.
// When the flusher lags, several messages leave in one write.
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

// BenchmarkLastDelivery is the time until a broadcast to many has gone out to the last of them, the
// shortest of all, and the processors' time, with one writer and with one for each processor, turn
// by turn. Nobody reads meanwhile.
func BenchmarkLastDelivery(b *testing.B) {
	for _, clients := range []int{2000, 5000} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			f := start(b)
			var all []*Session
			var peers []net.Conn
			for range clients {
				o, p := f.websocket(4)
				all, peers = append(all, o.Session), append(peers, p.conn)
			}
			flusher := &f.srv.flusher
			m := textMessage(b, `2["message","what somebody says to all the others"]`)
			m.Share()
			var queueing time.Duration
			broadcast := func(writers int) {
				flusher.mu.Lock()
				flusher.writers = writers
				flusher.mu.Unlock()
				begin := time.Now()
				r := f.srv.Begin()
				for _, s := range all {
					r.Queue(s, m)
				}
				r.End()
				queueing += time.Since(begin)
				for done := false; !done; time.Sleep(200 * time.Microsecond) { // there is nothing to wait for
					flusher.mu.Lock()
					done = flusher.working == 0
					flusher.mu.Unlock()
				}
			}
			choices := []int{1, runtime.GOMAXPROCS(0)}
			wall, cpu := []time.Duration{time.Hour, time.Hour}, make([]time.Duration, 2)
			for turn := 0; b.Loop(); turn++ {
				for i := range choices {
					i = (i + turn) % len(choices)
					writers := choices[i]
					begin, used := time.Now(), processorTime()
					broadcast(writers)
					wall[i] = min(wall[i], time.Since(begin))
					cpu[i] += processorTime() - used
				}
				b.StopTimer()
				for _, p := range peers {
					_ = p.SetReadDeadline(time.Now().Add(testkit.Deadline))
					if _, err := io.ReadFull(p, make([]byte, 2*m.Len())); err != nil {
						b.Fatal(err)
					}
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(queueing.Microseconds())/float64(2*b.N), "µs-queueing")
			for i, writers := range choices {
				b.ReportMetric(float64(wall[i].Microseconds()), fmt.Sprintf("µs-by-%d", writers))
				b.ReportMetric(float64(cpu[i].Nanoseconds())/1e3/float64(b.N*clients), fmt.Sprintf("CPU-µs/frame-by-%d", writers))
			}
		})
	}
}

// processorTime is what the process has used.
func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // fails for a wrong argument only
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
