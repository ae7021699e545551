package engineio

import (
	"encoding/base64"
	"sync/atomic"

	"hipflask/server/internal/websocket"
)

// headroom is what is left free before a message's text, so that the frame
// header can be written in front of it without a second copy.
const headroom = 10

// wire names a way in which a connection wants its bytes.
type wire uint8

const (
	wireV4     wire = iota // Engine.IO 4 over WebSocket: text frames, bare binary frames
	wireV3                 // Engine.IO 3: binary frames start with the packet type
	wireV3Text             // Engine.IO 3 with b64=1: binary as base64 in text frames
	wirePlain              // a plain WebSocket client: bare frames, see [Plain]
	wires
)

// Plain is what a plain WebSocket client reads of a message.
type Plain struct {
	Binary bool
	Data   []byte
}

// Message is one outgoing Socket.IO packet with its attachments, encoded once
// and shared by every session it goes to. It never changes once it is made.
type Message struct {
	text  []byte   // the Engine.IO packet, type digit included
	bins  [][]byte // attachments, in order
	frame []byte   // every WebSocket frame of the message in Engine.IO 4's form
	plain func() (Plain, bool)
	other [wires]atomic.Pointer[[]byte] // the other forms, made when first asked for
}

// NewMessage makes a message of type "message" (4). encode appends the packet's
// text to dst and returns the attachments that follow it; size is a guess at the
// text's length in bytes.
func NewMessage(size int, encode func(dst []byte) ([]byte, [][]byte, error)) (*Message, error) {
	dst := make([]byte, headroom+1, headroom+1+size)
	dst[headroom] = '4'
	dst, bins, err := encode(dst)
	if err != nil {
		return nil, err
	}
	return build(dst, bins), nil
}

// newControl makes a message out of one whole Engine.IO packet.
func newControl(packet string) *Message {
	return build(append(make([]byte, headroom, headroom+len(packet)), packet...), nil)
}

func build(dst []byte, bins [][]byte) *Message {
	n := len(dst) - headroom
	h := websocket.HeaderSize(n)
	start := headroom - h
	websocket.AppendHeader(dst[start:start], websocket.Text, n)
	frame := dst[start:]
	for _, b := range bins {
		frame = websocket.AppendFrame(frame, websocket.Binary, b)
	}
	return &Message{text: frame[h : h+n : h+n], bins: bins, frame: frame}
}

// rawMessage makes a message that is bytes for a WebSocket and nothing for
// anybody else: control frames, the frames of a closing handshake.
func rawMessage(frame []byte) *Message {
	m := &Message{frame: frame}
	for w := range m.other {
		m.other[w].Store(&m.frame)
	}
	return m
}

// SetPlain says how plain WebSocket clients read the message; without it they
// are sent nothing. It is called before the message is first sent.
func (m *Message) SetPlain(read func() (Plain, bool)) { m.plain = read }

// Len is the message's size on the wire in bytes, give or take the framing.
func (m *Message) Len() int { return len(m.frame) }

// frames returns the bytes that carry the message over a WebSocket, empty when
// that kind of client is sent nothing.
func (m *Message) frames(w wire) []byte {
	if w == wireV4 || w != wirePlain && len(m.bins) == 0 {
		return m.frame
	}
	if b := m.other[w].Load(); b != nil {
		return *b
	}
	b := m.encode(w)
	m.other[w].Store(&b)
	return b
}

func (m *Message) encode(w wire) []byte {
	if w == wirePlain {
		return m.encodePlain()
	}
	out := websocket.AppendFrame(nil, websocket.Text, m.text)
	for _, b := range m.bins {
		if w == wireV3 {
			out = append(websocket.AppendHeader(out, websocket.Binary, len(b)+1), 4)
			out = append(out, b...)
			continue
		}
		n := 2 + base64.StdEncoding.EncodedLen(len(b))
		out = append(websocket.AppendHeader(out, websocket.Text, n), 'b', '4')
		out = base64.StdEncoding.AppendEncode(out, b)
	}
	return out
}

func (m *Message) encodePlain() []byte {
	if m.plain == nil {
		return nil
	}
	p, ok := m.plain()
	if !ok {
		return nil
	}
	if p.Binary {
		return websocket.AppendFrame(nil, websocket.Binary, p.Data)
	}
	return websocket.AppendFrame(nil, websocket.Text, p.Data)
}
