package engineio

import (
	"errors"
	"time"

	"hipflask/server/internal/engineio/payload"
	"hipflask/server/internal/websocket"
)

var (
	errDirection = errors.New("heartbeat in the wrong direction for this protocol version")
	errUnknown   = errors.New("unknown packet type")
	errClosed    = errors.New("session closed")
	errNoRoom    = errors.New("too much memory for all clients together")
)

// payloadSink is a session as what takes a payload's packets.
type payloadSink Session

func (p *payloadSink) Text(packet []byte) error {
	defer (*Session)(p).startWork()
	return (*Session)(p).textPacket(packet)
}

func (p *payloadSink) Binary(data []byte) error {
	defer (*Session)(p).startWork()
	return (*Session)(p).binaryPacket(data)
}

// frameSink is a session as what takes a WebSocket's messages. The work is done when all that was
// read is taken, see pace.
type frameSink Session

func (f *frameSink) Text(packet []byte) error { return (*Session)(f).textPacket(packet) }
func (f *frameSink) Binary(data []byte) error { return (*Session)(f).binaryPacket(data) }

// startWork has the receiver's work on what it has taken done on another goroutine.
func (s *Session) startWork() {
	if s.worker != nil {
		s.worker.StartWork()
	}
}

// work is what the reading goroutine may do about it, nil for nothing.
func (s *Session) work() Work {
	if s.worker == nil {
		return nil
	}
	return s.worker.Work()
}

// ReadOn is for a receiver's work that waits for something that the client sends: it makes sure
// that the session is read meanwhile.
func (s *Session) ReadOn() {
	s.mu.Lock()
	conn := s.conn
	s.mu.Unlock()
	if conn != nil {
		conn.ReadOn()
	}
}

// frame handles one WebSocket message of an open session.
func (s *Session) frame(op websocket.Opcode, data []byte) error {
	s.meter.heardFrame(len(data))
	switch {
	case s.protocol == 0:
		s.countMessage()
		return s.receive(data, op == websocket.Binary)
	case op == websocket.Binary && s.protocol == 3:
		if len(data) == 0 || data[0] != 4 {
			return errUnknown
		}
		return s.binaryPacket(data[1:])
	case op == websocket.Binary:
		return s.binaryPacket(data)
	}
	return payload.DecodeText(data, int(s.protocol), (*frameSink)(s))
}

// textPacket handles one Engine.IO packet that came as text.
func (s *Session) textPacket(packet []byte) error {
	if len(packet) == 0 {
		return payload.ErrNoPacket
	}
	s.countMessage()
	data := packet[1:]
	switch packet[0] {
	case '4':
		return s.receive(data, false)
	case '2':
		if s.protocol != 3 { // a heartbeat of its own, as libraries for small devices have: as Flask, no answer
			return nil
		}
		s.srv.heart.heard(&s.beat)
		s.pong(data)
		return nil
	case '3':
		if s.protocol == 3 {
			return errDirection
		}
		s.srv.heart.heard(&s.beat)
		return nil
	case '1':
		s.end(ClientDisconnect) // the client is done: nothing more is sent but the end of a waiting poll
		return errClosed
	case '0', '5', '6':
		return nil // of no meaning here, and the official server lets them pass
	}
	return errUnknown
}

// pong answers the ping of an Engine.IO 3 client.
func (s *Session) pong(data []byte) {
	if len(data) == 0 {
		s.Send(s.srv.packets.pong)
		return
	}
	s.Send(newControl("3" + string(data)))
}

// binaryPacket handles the data of a binary message.
func (s *Session) binaryPacket(data []byte) error {
	s.countMessage()
	return s.receive(data, true)
}

func (s *Session) receive(data []byte, binary bool) error {
	s.beat.receiving.Add(1)
	defer s.beat.receiving.Add(-1)
	s.reading.mu.Lock()
	defer s.reading.mu.Unlock()
	s.mu.Lock()
	open, whole := s.state == stateOpen, s.packs || s.protocol == 0
	s.mu.Unlock()
	if !open {
		return nil
	}
	if !binary || whole { // else it is an attachment, which belongs to the message before it
		s.meter.messagesIn.Add(1)
	}
	if binary {
		return s.rcv.Binary(data)
	}
	return s.rcv.Text(data)
}

// countMessage charges the client for a message or a control frame.
func (s *Session) countMessage() { s.reading.quota.message() }

// countBytes charges the client for what was read.
func (s *Session) countBytes(n int) { s.reading.quota.read(n) }

// holdPartial counts what a WebSocket keeps of a message that is not whole. One that there is no
// room for ends the session. It is the reader's.
func (s *Session) holdPartial(kept int) {
	if !s.reading.holdPartial(kept, s.srv.cfg.Memory) {
		s.WarnMemory()
		s.abort(TransportError)
	}
}

// pause holds the reading of a client back that has sent more than it may, for at most this long, 0
// for no limit. It ends with the session and when gone is closed.
//
// Nothing that the client sent is dropped: it stays in the kernel's buffers, and once they are full
// the client cannot send. Its heartbeats are stuck there as well, which is not its fault: it counts
// as receiving.
func (s *Session) pause(most time.Duration, gone <-chan struct{}) {
	if s.reading.quota == nil {
		return
	}
	wait, first := s.reading.quota.owed()
	if wait == 0 {
		return
	}
	if first {
		s.Warn(CauseRate, "client held back: it sends too much")
	}
	if most > 0 {
		wait = min(wait, most)
	}
	over := s.reading.pause.begin()
	if over == nil {
		return
	}
	s.startWork()
	s.beat.receiving.Add(1)
	defer s.beat.receiving.Add(-1)
	hold(wait, over, gone)
	s.Delayed()
}
