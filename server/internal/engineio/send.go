package engineio

import (
	"time"

	"hipflask/server/internal/websocket"
)

// At most one goroutine writes to a session's WebSocket at a time: the one that set writing. It
// takes from the outbox until that is empty, so whatever is queued meanwhile leaves in the order it
// was queued, joined into few writes.

// Send queues m and writes what the connection takes at once. It never blocks: what is left over is
// written when the client reads on. A client whose backlog exceeds the limit is dropped; a session
// that ended takes nothing.
func (s *Session) Send(m *Message) {
	s.mu.Lock()
	if !s.acceptLocked(m) {
		return
	}
	if s.writing {
		s.mu.Unlock()
		return
	}
	s.flushLocked()
}

// acceptLocked queues m if the session takes it. When it does not, the mutex is released and the
// answer is false.
func (s *Session) acceptLocked(m *Message) bool {
	if s.parked && s.state == stateOpen && s.srv.cfg.Memory.Full() {
		s.mu.Unlock()
		if !s.srv.registrar.relieve(s) {
			return false
		}
		s.mu.Lock()
	}
	if s.state != stateOpen {
		s.mu.Unlock()
		return false
	}
	// A backlog is what waits for the client: for its next poll, or for the kernel to take more.
	// What waits for our own writer is not the client's fault.
	if s.queued > s.srv.cfg.MaxBacklog && s.parked {
		s.mu.Unlock()
		s.tellSlowClient()
		s.abort(TransportError)
		return false
	}
	s.push(m)
	return true
}

// flushLocked writes the queue out. It is called with nobody writing, and releases the mutex.
func (s *Session) flushLocked() {
	conn := s.conn
	if conn == nil {
		s.answerLocked()
		return
	}
	s.writing = true
	for {
		b, ok := s.takeBatchLocked()
		if s.unmade != nil {
			if s.makeLocked(s.unmade) {
				continue
			}
			return
		}
		if !ok {
			break
		}
		s.mu.Unlock()
		n, err := conn.TryWrite(b.data)
		if err != nil {
			s.shared.joined.free(b)
			s.abort(TransportClose)
			return
		}
		if n < len(b.data) || conn.Held() {
			s.stall(conn, b, n)
			return
		}
		s.shared.joined.free(b)
		s.mu.Lock()
	}
	s.writtenLocked(conn)
}

// makeLocked has made what comes first in the queue. The mutex is held again then, unless that
// takes long: then the answer is false, and the session is flushed once it is there.
func (s *Session) makeLocked(form *packedForm) bool {
	p, m, w := s.packer, s.first(), s.wire
	if m.Len() < longForm {
		s.mu.Unlock()
		p.make(form, m, w)
		s.mu.Lock()
		return true
	}
	if !s.dirty { // else the flusher comes back to it
		waits, first := form.await(func() { s.srv.resume(s) })
		if !waits {
			return true
		}
		s.dirty = true
		if first {
			s.srv.workers.Go(func() { // one is left, as in stall
				p.make(form, m, w)
				form.done()
			})
		}
	}
	s.writing = false
	s.endTurn()
	s.mu.Unlock()
	return false
}

// takeBatchLocked takes what goes into the next write; false means that there is nothing, or the
// session has ended.
func (s *Session) takeBatchLocked() (batch, bool) {
	if s.state == stateClosed {
		return batch{}, false
	}
	b, messages := s.take(s.wire, s.packer)
	s.meter.messagesOut += messages
	s.meter.bytesOut += uint64(len(b.data))
	return b, len(b.data) > 0
}

// stall hands the rest of b, and all that is queued, to a goroutine that may wait. It ends when the
// queue is empty or the connection is.
//
// Where writing cannot be tried without blocking (Windows), every write is handed over, so that
// alone says nothing about the peer: such a session counts as stalled once a write has taken
// stallGrace.
func (s *Session) stall(conn *websocket.Conn, b batch, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == stateClosed {
		s.shared.joined.free(b)
		s.endTurn() // still writing: nothing may follow the half of a frame
		return
	}
	if conn.Supported() {
		s.park(len(b.data))
	}
	// The reader is one of the workers and ends the session first, so there is still one, and
	// Shutdown has not stopped waiting.
	s.srv.workers.Go(func() { s.drain(conn, b, n) })
}

// stallGrace is how long a write that had to be handed over may take before what queues up behind
// it is the client's backlog.
const stallGrace = 100 * time.Millisecond

func (s *Session) drain(conn *websocket.Conn, b batch, n int) {
	draining, size := true, len(b.data) // guarded by the mutex
	grace := time.AfterFunc(stallGrace, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if draining && s.state != stateClosed {
			s.park(size)
		}
	})
	defer grace.Stop()
	for {
		_ = conn.SetWriteDeadline(time.Now().Add(s.srv.cfg.progressLimit()))
		_, err := conn.Write(b.data[n:])
		s.shared.joined.free(b)
		if err != nil {
			s.abort(TransportClose)
			return
		}
		s.mu.Lock()
		var ok bool
		for b, ok = s.takeBatchLocked(); s.unmade != nil; b, ok = s.takeBatchLocked() {
			form, p, m, w := s.unmade, s.packer, s.first(), s.wire
			s.mu.Unlock()
			p.make(form, m, w)
			s.mu.Lock()
		}
		if !ok {
			break
		}
		n, size = 0, len(b.data)
		if !conn.Supported() {
			s.unpark()
			grace.Reset(stallGrace)
		}
		s.mu.Unlock()
	}
	draining = false
	s.unpark()
	_ = conn.SetWriteDeadline(time.Time{})
	s.writtenLocked(conn)
}

// writtenLocked ends a turn of writing. It releases the mutex.
func (s *Session) writtenLocked(conn *websocket.Conn) {
	s.writing = false
	s.endTurn()
	closing := s.state == stateClosing
	s.mu.Unlock()
	if closing { // our close frame is out: the peer's, or its end, is all there is to wait for
		_ = conn.SetReadDeadline(time.Now().Add(lastFrameTimeout))
		_ = conn.CloseWrite()
	}
}

// ping sends the heartbeat of the session's protocol. In Engine.IO 3 that is the client's to send,
// but whatever it receives tells it that we are there.
func (s *Session) ping() {
	switch s.protocol {
	case 0:
		s.Send(rawMessage(websocket.AppendFrame(nil, websocket.Ping, nil)))
	case 3:
		s.Send(s.srv.packets.noop)
	default:
		s.Send(s.srv.packets.ping)
	}
}

// lost ends a session whose client owes a heartbeat.
func (s *Session) lost() { s.abort(PingTimeout) }
