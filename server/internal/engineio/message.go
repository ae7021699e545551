package engineio

import (
	"encoding/base64"
	"sync/atomic"

	"hipflask/server/internal/websocket"
)

// headroom is what is left free before a message's text, so that the frame header can be written in
// front of it without a second copy.
const headroom = 10

// wire names a way in which a connection wants its bytes.
type wire uint8

const (
	wireV4     wire = iota // Engine.IO 4 over WebSocket: text frames, bare binary frames
	wireV4Text             // Engine.IO 4 with b64=1: binary as base64 in text frames
	wireV3                 // Engine.IO 3: binary frames start with the packet type
	wireV3Text             // Engine.IO 3 with b64=1: binary as base64 in text frames
	wirePlain              // a plain WebSocket client: bare frames, see [Plain]
	wires
)

// wireOf is how a WebSocket of this protocol wants its bytes.
func wireOf(protocol uint8, base64Only bool) wire {
	switch {
	case protocol == 0:
		return wirePlain
	case protocol == 3 && base64Only:
		return wireV3Text
	case protocol == 3:
		return wireV3
	case base64Only:
		return wireV4Text
	}
	return wireV4
}

// Plain is what a plain WebSocket client reads of a message.
type Plain struct {
	Binary bool
	Data   []byte
}

// Message is one outgoing Socket.IO packet with its attachments, encoded once and shared by every
// session it goes to. It never changes once it was sent.
type Message struct {
	frame      []byte // every WebSocket frame of the message in Engine.IO 4's form
	head, tail int32  // frame[head:tail] is the text packet, its type digit included
	traits
	gone int32 // how many of its packets the client has already, see after; or noText
	more atomic.Pointer[more]
}

// traits are what a message is from its beginning.
type traits struct {
	shared  bool // see Share
	kept    bool // see Kept
	stored  bool // see DoNotCompress
	raw     bool // frame is for every kind of WebSocket, and for nobody else
	control bool // a packet of Engine.IO's own
}

// noText stands in gone for a message of one binary packet and no text: see single.
const noText = -1

// more is what few messages have.
type more struct {
	bins  [][]byte // attachments, in order
	plain func() (Plain, bool)
	other [wires - 1]atomic.Pointer[[]byte] // the other forms over a WebSocket, made when first asked for
	held  atomic.Pointer[retention]

	packed atomic.Pointer[packedForms]      // the forms compressed, see packer
	single atomic.Pointer[derived[Message]] // see Message.single
}

// packedForms are those of a message, by wire.
type packedForms [wires]atomic.Pointer[derived[packedForm]]

// extra returns what few messages have, made if there was none.
func (m *Message) extra() *more {
	if x := m.more.Load(); x != nil {
		return x
	}
	m.more.CompareAndSwap(nil, new(more))
	return m.more.Load()
}

// NewMessage makes a message of type "message" (4). encode appends the packet's text to dst and
// returns the attachments that follow it; size is a guess at the text's length in bytes.
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
	m := build(append(make([]byte, headroom, headroom+len(packet)), packet...), nil)
	m.control = true
	return m
}

func build(dst []byte, bins [][]byte) *Message {
	n := len(dst) - headroom
	h := websocket.HeaderSize(n)
	start := headroom - h
	websocket.AppendHeader(dst[start:start], websocket.Text, n)
	m := &Message{frame: dst[start:], head: int32(h), tail: int32(h + n)}
	if len(bins) == 0 {
		return m
	}
	size := len(m.frame)
	for _, b := range bins {
		size += websocket.HeaderSize(len(b)) + len(b)
	}
	m.frame = append(make([]byte, 0, size), m.frame...)
	kept := make([][]byte, len(bins)) // within the frame, so that they are there once
	for i, b := range bins {
		m.frame = websocket.AppendFrame(m.frame, websocket.Binary, b)
		kept[i] = m.frame[len(m.frame)-len(b) : len(m.frame) : len(m.frame)]
	}
	m.more.Store(&more{bins: kept})
	return m
}

// rawMessage makes a message that is bytes for a WebSocket and nothing for anybody else: control
// frames, the frames of a closing handshake.
func rawMessage(frame []byte) *Message { return &Message{frame: frame, traits: traits{raw: true}} }

// isMessage reports whether this is something that one side has sent the other, and not a packet or
// frame of Engine.IO's or WebSocket's own. What is left of a message counted before.
func (m *Message) isMessage() bool { return !m.raw && !m.control && m.gone <= 0 }

// SetPlain sets how plain WebSocket clients read the message; without it they are sent nothing. It
// is called before the message is first sent.
func (m *Message) SetPlain(read func() (Plain, bool)) {
	m.extra().plain = read
}

// Share notes that the message goes to many sessions, so that none of them has to answer for the
// memory it takes. It is called before the message is first sent.
func (m *Message) Share() { m.shared = true }

// DoNotCompress notes that the message is sent as it is, whatever else is compressed: it has been
// already, or what it is compressed with could tell what is in it. It is called before the message
// is first sent.
func (m *Message) DoNotCompress() { m.stored = true }

// Kept returns the message for a session that is sent it later than others: whoever keeps it for
// that answers for the memory that it takes. Sessions may share it.
func (m *Message) Kept() *Message {
	kept := m.copy()
	kept.shared, kept.kept = true, true
	return kept
}

// copy returns a message with the same bytes and forms.
func (m *Message) copy() *Message {
	c := &Message{frame: m.frame, head: m.head, tail: m.tail, traits: m.traits, gone: m.gone}
	c.more.Store(m.extra())
	return c
}

// ownOverhead is about what a message takes beside its frame.
const ownOverhead = 96

// Len is the size of the message on the wire, in bytes.
func (m *Message) Len() int { return len(m.frame) }

// cost is what the message adds to a backlog, in bytes: its frame, and what a session that does not
// read it keeps in memory because of it.
func (m *Message) cost() int {
	switch {
	case m.kept:
		return sharedOverhead
	case m.shared:
		return len(m.frame) + sharedOverhead
	}
	return len(m.frame) + ownOverhead
}

// text is the text packet, type digit included; empty when it is gone already.
func (m *Message) text() []byte { return m.frame[m.head:m.tail:m.tail] }

// bins are the attachments that are still to come.
func (m *Message) bins() [][]byte {
	x := m.more.Load()
	if x == nil {
		return nil
	}
	return x.bins[max(m.gone-1, 0):]
}

// packets is how many packets of Engine.IO the message is.
func (m *Message) packets() int {
	n := len(m.bins())
	if m.gone == 0 {
		n++
	}
	return n
}

// after returns what is left of the message once n of its packets are gone: bare attachments, for a
// client of Engine.IO 4. It shares bytes and forms with m.
func (m *Message) after(n int) *Message {
	rest := m.copy()
	rest.gone += int32(n)
	size := 0
	for _, b := range rest.bins() {
		size += websocket.HeaderSize(len(b)) + len(b)
	}
	rest.frame, rest.head, rest.tail = m.frame[len(m.frame)-size:], 0, 0
	return rest
}

// frames returns the bytes that carry the message over a WebSocket, empty when that kind of client
// is sent nothing.
func (m *Message) frames(w wire) []byte {
	if m.raw || w == wireV4 || w != wirePlain && len(m.bins()) == 0 {
		return m.frame
	}
	x := m.more.Load()
	if x == nil {
		return nil
	}
	if m.gone > 0 {
		return m.encode(w, x)
	}
	other := &x.other[w-1]
	if b := other.Load(); b != nil {
		return *b
	}
	b := m.encode(w, x)
	other.Store(&b)
	return b
}

func (m *Message) encode(w wire, x *more) []byte {
	if w == wirePlain {
		return x.encodePlain()
	}
	var out []byte
	if m.gone == 0 {
		out = websocket.AppendFrame(nil, websocket.Text, m.text())
	}
	for _, b := range m.bins() {
		if w == wireV3 {
			out = append(websocket.AppendHeader(out, websocket.Binary, len(b)+1), 4)
			out = append(out, b...)
			continue
		}
		mark := "b4"
		if w == wireV4Text {
			mark = "b"
		}
		out = websocket.AppendHeader(out, websocket.Text, len(mark)+base64.StdEncoding.EncodedLen(len(b)))
		out = base64.StdEncoding.AppendEncode(append(out, mark...), b)
	}
	return out
}

func (x *more) encodePlain() []byte {
	if x.plain == nil {
		return nil
	}
	p, ok := x.plain()
	if !ok {
		return nil
	}
	if p.Binary {
		return websocket.AppendFrame(nil, websocket.Binary, p.Data)
	}
	return websocket.AppendFrame(nil, websocket.Text, p.Data)
}
