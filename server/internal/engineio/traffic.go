package engineio

import (
	"strconv"
	"sync/atomic"

	"hipflask/server/internal/websocket"
)

const (
	transportPolling   = "polling"
	transportWebSocket = "websocket"
)

// Kind is what sessions are counted by.
type Kind struct {
	Transport string // in use now; of Opened, the one it began with
	Protocol  int    // see [Session.Protocol]
}

// Client is the kind of client at the other end.
type Client string

// The kinds of clients.
const (
	SocketIO       Client = "socket.io"
	PlainWebSocket Client = "plain"
)

// Client is which kind of client sessions of this kind have.
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

// Traffic counts what came in and went out. A message is a Socket.IO packet with its attachments,
// or what a plain client sent or was sent; heartbeats and the like are none. Bytes are those of
// WebSocket frames and of the bodies that polls are answered with and POSTs bring, heartbeats
// included, closing handshakes left out.
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

// meter counts one session's traffic: in is the readers', out guarded by the session's mutex. So
// counting costs no memory that processors share, and who asks for the sum pays for the adding.
type meter struct {
	messagesIn, bytesIn   atomic.Uint64
	messagesOut, bytesOut uint64
}

// maskedHeader is what the header of a client's frame takes beside what websocket.HeaderSize says.
const maskedHeader = 4

// heardFrame counts a WebSocket message that came in. One in several frames counts as if it were
// one.
func (m *meter) heardFrame(size int) {
	m.bytesIn.Add(uint64(websocket.HeaderSize(size) + maskedHeader + size))
}

// traffic is what was counted. Whoever guards what went out holds its mutex.
func (m *meter) traffic() Traffic {
	return Traffic{
		MessagesIn: m.messagesIn.Load(), MessagesOut: m.messagesOut,
		BytesIn: m.bytesIn.Load(), BytesOut: m.bytesOut,
	}
}
