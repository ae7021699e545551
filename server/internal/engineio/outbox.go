package engineio

import (
	"time"

	"hipflask/server/internal/websocket"
)

const (
	// joinSize is how many bytes of small frames are joined into one write, and
	// largeFrame from where on a frame is written by itself, uncopied.
	joinSize   = 64 << 10
	largeFrame = 16 << 10
	// keepQueue is the longest queue whose memory an idle session keeps.
	keepQueue = 32
)

// outbox is the part of a session that holds what is still to be sent. It is
// guarded by the session's mutex.
//
// At most one goroutine writes to a session's connection at a time: the one that
// set writing. It takes from the queue until that is empty, so whatever is queued
// meanwhile leaves in the order it was queued, joined into few writes.
type outbox struct {
	queue   []*Message
	head    int // queue[:head] was sent
	queued  int // bytes in queue[head:]
	lagging int // of them, those that the server's flusher counts as its lag
	writing bool
	stalled bool // the kernel takes no more: a drain goroutine waits for the peer
	dirty   bool // on the flusher's list

	turn chan struct{} // closed when the turn of writing or the session ends; nil unless awaited
}

// batch is what goes out in one write. shared is the pooled buffer behind data,
// if the frames had to be joined.
type batch struct {
	data   []byte
	shared *[]byte
}

// Send queues m and writes what the connection takes at once. It never blocks:
// what is left over is written when the client reads on. A client whose backlog
// exceeds the limit is dropped; a session that ended takes nothing.
func (s *Session) Send(m *Message) {
	s.mu.Lock()
	if !s.accept(m) {
		return
	}
	if s.writing {
		s.mu.Unlock()
		return
	}
	s.flush()
}

// accept queues m if the session takes it. When it does not, the mutex is
// released and the answer is false.
func (s *Session) accept(m *Message) bool {
	if s.state != stateOpen {
		s.mu.Unlock()
		return false
	}
	// A backlog is what waits for the client: for its next poll, or for the
	// kernel to take more. What waits for our own writer is not the client's fault.
	if s.queued > s.srv.cfg.MaxBacklog && (s.stalled || s.conn == nil) {
		s.mu.Unlock()
		s.srv.refusals.slowClient(s)
		s.abort(TransportError)
		return false
	}
	s.push(m)
	return true
}

func (s *Session) push(m *Message) {
	if len(s.queue) == cap(s.queue) {
		s.queue, s.head = compact(s.queue, s.head)
	}
	s.queue = append(s.queue, m)
	n := m.cost()
	s.queued += n
	if s.conn != nil && !s.stalled {
		s.lagging += n
		s.srv.flusher.lag.Add(int64(n))
	}
}

// flush writes the queue out. It is called with the mutex held and nobody
// writing, and releases the mutex.
func (s *Session) flush() {
	conn := s.conn
	if conn == nil {
		s.wakePoll()
		s.mu.Unlock()
		return
	}
	s.writing = true
	for {
		b, ok := s.take()
		if !ok {
			break
		}
		s.mu.Unlock()
		n, err := conn.TryWrite(b.data)
		if err != nil {
			s.srv.free(b)
			s.abort(TransportClose)
			return
		}
		if n < len(b.data) || conn.Held() {
			s.stall(conn, b, n)
			return
		}
		s.srv.free(b)
		s.mu.Lock()
	}
	s.written(conn)
}

// stall hands the rest of b, and all that is queued, to a goroutine that may
// wait. It ends when the queue is empty or the connection is.
//
// Where writing cannot be tried without blocking (Windows), every write is handed
// over, so that alone says nothing about the peer: such a session counts as
// stalled once a write has taken stallGrace.
func (s *Session) stall(conn *websocket.Conn, b batch, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == stateClosed {
		s.srv.free(b)
		s.endTurn() // still writing: nothing may follow the half of a frame
		return
	}
	if conn.Supported() {
		s.setStalled()
	}
	// The reader is one of the workers and ends the session first, so there is
	// still one, and Shutdown has not stopped waiting.
	s.srv.workers.Go(func() { s.drain(conn, b, n) })
}

// stallGrace is how long a write that had to be handed over may take before what
// queues up behind it is the client's backlog.
const stallGrace = 100 * time.Millisecond

// setStalled makes what is queued the client's backlog, and no longer the
// flusher's lag. The mutex is held.
func (s *Session) setStalled() {
	s.stalled = true
	s.settle(s.lagging)
}

func (s *Session) drain(conn *websocket.Conn, b batch, n int) {
	limit := s.srv.cfg.PingInterval + s.srv.cfg.PingTimeout
	draining := true // guarded by the mutex
	grace := time.AfterFunc(stallGrace, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if draining && s.state != stateClosed {
			s.setStalled()
		}
	})
	defer grace.Stop()
	for {
		_ = conn.SetWriteDeadline(time.Now().Add(limit))
		_, err := conn.Write(b.data[n:])
		s.srv.free(b)
		if err != nil {
			s.abort(TransportClose)
			return
		}
		s.mu.Lock()
		var ok bool
		if b, ok = s.take(); !ok {
			break
		}
		n = 0
		if !conn.Supported() {
			s.stalled = false
			grace.Reset(stallGrace)
		}
		s.mu.Unlock()
	}
	s.stalled, draining = false, false
	_ = conn.SetWriteDeadline(time.Time{})
	s.written(conn)
}

// written ends a turn of writing. It is called with the mutex held and releases it.
func (s *Session) written(conn *websocket.Conn) {
	s.writing = false
	s.endTurn()
	closing := s.state == stateClosing
	s.mu.Unlock()
	if closing { // our close frame is out: the peer's, or its end, is all there is to wait for
		_ = conn.SetReadDeadline(time.Now().Add(goodbyeTimeout))
		_ = conn.CloseWrite()
	}
}

// endTurn wakes who waits to write the last frame. The mutex is held.
func (s *Session) endTurn() {
	if s.turn != nil {
		close(s.turn)
		s.turn = nil
	}
}

// take removes from the queue what goes into the next write: one frame as it is,
// or as many small ones as fit together.
func (s *Session) take() (batch, bool) {
	if s.state == stateClosed {
		return batch{}, false
	}
	var b batch
	messages := uint64(0)
	for s.head < len(s.queue) {
		m := s.queue[s.head]
		f := m.frames(s.wire)
		if len(b.data) > 0 && (len(f) >= largeFrame || len(b.data)+len(f) > joinSize) {
			break
		}
		s.queue[s.head] = nil
		s.head++
		s.queued -= m.cost()
		s.settle(min(m.cost(), s.lagging))
		if len(f) > 0 && m.isMessage() {
			messages++
		}
		switch {
		case len(f) == 0: // nothing that this kind of client could read
		case len(b.data) == 0:
			b.data = f
		case b.shared == nil:
			b.shared = s.srv.joined.get()
			b.data = append(append((*b.shared)[:0], b.data...), f...)
		default:
			b.data = append(b.data, f...)
		}
		if len(b.data) >= largeFrame && b.shared == nil {
			break
		}
	}
	s.meter.messagesOut += messages
	s.meter.bytesOut += uint64(len(b.data))
	if s.head == len(s.queue) {
		s.rewind()
	}
	return b, len(b.data) > 0
}

// rewind makes an empty queue ready for reuse, letting go of a large one.
func (s *Session) rewind() {
	s.head = 0
	if cap(s.queue) > keepQueue {
		s.queue = nil
		return
	}
	s.queue = s.queue[:0]
}

// drop throws the queue away.
func (s *Session) drop() {
	s.queue, s.head, s.queued = nil, 0, 0
	s.settle(s.lagging)
}

// settle takes n bytes off the flusher's lag.
func (s *Session) settle(n int) {
	if n > 0 {
		s.lagging -= n
		s.srv.flusher.settle(int64(n))
	}
}
