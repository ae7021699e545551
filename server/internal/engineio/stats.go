package engineio

import (
	"context"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"hipflask/server/internal/sparse"
	"hipflask/server/internal/websocket"
)

// Stats is what a [Server] has counted since it began, and what it has now.
type Stats struct {
	Sessions map[Kind]int // that are there now
	Backlog  int64        // bytes that wait for clients, answers to polls that are being written and what each message costs beside its frame included
	Stalled  int          // sessions whose client's side of the connection takes no more

	Opened  map[Kind]uint64
	Closed  map[Reason]uint64  // one for each session that is gone
	Traffic map[Client]Traffic // of all sessions, those that are gone included
	Refused map[Cause]uint64   // what was not accepted, and clients given up

	UpgradesDone, UpgradesFailed uint64 // of the WebSockets that were opened for a session that polled
}

// Kind is what sessions are counted by.
type Kind struct {
	Transport string // in use now; of Opened, the one it began with
	Protocol  int    // see [Session.Protocol]
}

// Client says what speaks at the other end.
type Client string

// The kinds of clients.
const (
	SocketIO       Client = "socket.io"
	PlainWebSocket Client = "plain"
)

// Client says which kind of client sessions of this kind have.
func (k Kind) Client() Client {
	if k.Protocol == 0 {
		return PlainWebSocket
	}
	return SocketIO
}

// ProtocolName is how logs and metrics write the protocol.
func (k Kind) ProtocolName() string {
	if k.Protocol == 0 {
		return string(PlainWebSocket)
	}
	return strconv.Itoa(k.Protocol)
}

// Traffic counts what came in and went out. A message is a Socket.IO packet with
// its attachments, or what a plain client sent or was sent; heartbeats and the like
// are none. Bytes are those of WebSocket frames and of the bodies that polls are
// answered with and POSTs bring, heartbeats included, closing handshakes left out.
type Traffic struct {
	MessagesIn, MessagesOut uint64
	BytesIn, BytesOut       uint64
}

func (t *Traffic) add(o Traffic) {
	t.MessagesIn += o.MessagesIn
	t.MessagesOut += o.MessagesOut
	t.BytesIn += o.BytesIn
	t.BytesOut += o.BytesOut
}

// meter counts one session's traffic: in is the readers', out guarded by the
// session's mutex. So counting costs no memory that processors share, and who asks
// for the sum pays for the adding.
type meter struct {
	messagesIn, bytesIn   atomic.Uint64
	messagesOut, bytesOut uint64
}

// maskedHeader is what the header of a client's frame takes beside what
// websocket.HeaderSize says.
const maskedHeader = 4

// heardFrame counts a WebSocket message that came in. One in several frames counts
// as if it were one.
func (m *meter) heardFrame(size int) {
	m.bytesIn.Add(uint64(websocket.HeaderSize(size) + maskedHeader + size))
}

// kind is what the session counts as. The mutex is held, or nobody else knows the
// session yet.
func (s *Session) kind() Kind {
	k := Kind{transportWebSocket, int(s.protocol)}
	if s.conn == nil {
		k.Transport = transportPolling
	}
	return k
}

// traffic is what the session has counted. The mutex is held.
func (s *Session) traffic() Traffic {
	return Traffic{
		MessagesIn: s.meter.messagesIn.Load(), MessagesOut: s.meter.messagesOut,
		BytesIn: s.meter.bytesIn.Load(), BytesOut: s.meter.bytesOut,
	}
}

// tally is what the server counts of sessions that come and go. It is guarded by the
// server's mutex.
type tally struct {
	opened   map[Kind]uint64
	closed   map[Reason]uint64
	traffic  map[Client]Traffic // of the sessions that are gone
	upgrades struct{ done, failed atomic.Uint64 }
}

func (t *tally) init() {
	t.opened = make(map[Kind]uint64)
	t.closed = make(map[Reason]uint64)
	t.traffic = make(map[Client]Traffic)
}

// gone counts a session that has been taken off the list, and says why it ended. The
// server's mutex is held.
func (t *tally) gone(s *Session) Reason {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.closed[s.reason]++
	client := s.kind().Client()
	sum := t.traffic[client]
	sum.add(s.traffic())
	t.traffic[client] = sum
	return s.reason
}

// Stats counts. It looks at each session, and holds up those that open or end
// meanwhile.
func (srv *Server) Stats() Stats {
	st := Stats{
		Sessions:       make(map[Kind]int),
		Opened:         make(map[Kind]uint64),
		Closed:         make(map[Reason]uint64),
		Traffic:        map[Client]Traffic{SocketIO: {}, PlainWebSocket: {}},
		Refused:        srv.refusals.counts(),
		UpgradesDone:   srv.tally.upgrades.done.Load(),
		UpgradesFailed: srv.tally.upgrades.failed.Load(),
	}
	for _, r := range reasons() {
		st.Closed[r] = 0
	}
	for _, k := range srv.kinds() {
		st.Sessions[k], st.Opened[k] = 0, 0
	}
	srv.mu.RLock() // all along: a session is either here or among those that are gone
	defer srv.mu.RUnlock()
	for k, n := range srv.tally.opened {
		st.Opened[k] = n
	}
	for r, n := range srv.tally.closed {
		st.Closed[r] = n
	}
	for c, t := range srv.tally.traffic {
		st.Traffic[c] = t
	}
	for _, s := range srv.sessions {
		st.look(s)
	}
	return st
}

// look adds a session that is there.
func (st *Stats) look(s *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.kind()
	st.Sessions[k]++
	st.Backlog += int64(s.waiting())
	if s.answer != nil {
		st.Backlog += int64(s.answer.left)
	}
	if s.stalled() {
		st.Stalled++
	}
	sum := st.Traffic[k.Client()]
	sum.add(s.traffic())
	st.Traffic[k.Client()] = sum
}

// kinds lists what sessions there can be: a counter that is seen before it counts
// shows its first step.
func (srv *Server) kinds() []Kind {
	list := []Kind{{transportWebSocket, 0}}
	for _, protocol := range []int{3, 4} {
		if srv.cfg.Polling {
			list = append(list, Kind{transportPolling, protocol})
		}
		if srv.cfg.WebSocket {
			list = append(list, Kind{transportWebSocket, protocol})
		}
	}
	return list
}

// tellOpened logs that the session is there, for those who look closely.
func (s *Session) tellOpened(kind Kind) {
	if log, ctx := s.srv.cfg.Logger, sparse.Each(context.Background()); log.Enabled(ctx, slog.LevelDebug) {
		log.DebugContext(ctx, "connection opened", "address", s.Remote(), "transport", kind.Transport, "protocol", kind.ProtocolName(),
			"client", string(kind.Client()), "connection", s.Name())
	}
}

// tellEnded logs that the session has ended, and what it was.
func (s *Session) tellEnded() {
	s.mu.Lock()
	kind, reason, traffic := s.kind(), s.reason, s.traffic()
	s.mu.Unlock()
	first := kind.Transport
	if s.polled {
		first = transportPolling
	}
	args := []any{"address", s.Remote(), "transport", kind.Transport, "first_transport", first,
		"protocol", kind.ProtocolName(), "client", string(kind.Client()),
		"duration_seconds", time.Since(s.since).Round(time.Millisecond).Seconds(), "reason", string(reason),
		"messages_in", traffic.MessagesIn, "messages_out", traffic.MessagesOut,
		"bytes_in", traffic.BytesIn, "bytes_out", traffic.BytesOut, "connection", s.Name()}
	if reason == PingTimeout {
		args = append(args, "setting", "--ping-timeout")
	}
	s.srv.cfg.Logger.InfoContext(sparse.Each(context.Background()), "connection ended", args...)
}
