package packet

import (
	"bytes"
	"math"
)

// Decoder turns the messages of one session into packets. The zero Decoder works with the default
// limits. It holds nothing between packets; while attachments are awaited it holds at most
// Limits.MaxBytes, see Held. How long they may take is the session's affair. A Decoder is not safe
// for concurrent use.
type Decoder struct {
	Limits Limits

	// The binary packet whose attachments are still to come.
	pending     *Packet
	attachments [][]byte
	count       int // attachments in all
	bytes       int // text and attachments so far
	held        int // what they take in memory
}

// Text decodes a text message, without Engine.IO's leading '4' (Socket.IO protocol, section "Packet
// encoding"). It returns nil, nil when attachments are still to come. data is copied and may be
// used again at once.
//
// An error is always an *Error. It ends the packet that was awaiting attachments, if there was one,
// and the Decoder is ready for the next.
func (d *Decoder) Text(data []byte) (*Packet, error) {
	p, err := d.text(data)
	if err != nil {
		err.Connect = len(data) > 0 && Type(data[0]) == Connect
		return nil, err
	}
	return p, nil
}

func (d *Decoder) text(data []byte) (*Packet, *Error) {
	if d.pending != nil {
		d.reset()
		return nil, malformed("text while attachments are awaited")
	}
	if max := d.Limits.bytes(); len(data) > max {
		return nil, overLimit(LimitBytes, max)
	}
	h, err := d.Limits.header(data)
	if err != nil {
		return nil, err
	}
	h.json = bytes.Clone(h.json)
	p, err := h.packet(d.Limits)
	if err != nil {
		return nil, err
	}
	if h.attachments <= 0 {
		return p, nil
	}
	d.pending, d.count, d.bytes = p, h.attachments, len(data)
	d.attachments = make([][]byte, 0, h.attachments)
	d.held = p.Cost() + h.attachments*sliceSize
	return nil, nil
}

// Binary takes an attachment and returns the packet if it was the last one, otherwise nil, nil.
// data is copied. Errors are as for Text.
func (d *Decoder) Binary(data []byte) (*Packet, error) {
	if d.pending == nil {
		return nil, malformed("binary message that no packet awaits")
	}
	if max := d.Limits.bytes(); len(data) > max-d.bytes {
		d.reset()
		return nil, overLimit(LimitBytes, max)
	}
	d.bytes += len(data)
	// Never nil, so that an empty attachment is not taken for null.
	d.attachments = append(d.attachments, append(make([]byte, 0, len(data)), data...))
	d.held += len(data)
	if len(d.attachments) < d.count {
		return nil, nil
	}
	p := d.pending
	p.attach(d.attachments)
	d.reset()
	return p, nil
}

// attach gives the arguments the attachments that their placeholders stand for.
func (p *Packet) attach(attachments [][]byte) {
	for i := range p.Args {
		if p.Args[i].state&stateMarker != 0 {
			p.Args[i].Attachments = attachments
		}
	}
}

// Reread reads a packet that this package has written, of any size. It shares the memory of the
// text and of the attachments. An error is always an *Error.
func Reread(text []byte, attachments [][]byte) (*Packet, error) {
	anything := Limits{MaxAttachments: AttachmentsCeiling, MaxDepth: DepthCeiling, MaxArgs: math.MaxInt}
	h, err := anything.header(text)
	if err != nil {
		return nil, err
	}
	p, err := h.packet(anything)
	if err != nil {
		return nil, err
	}
	if max(0, h.attachments) != len(attachments) {
		return nil, malformed("another number of attachments")
	}
	if len(attachments) > 0 {
		p.attach(attachments)
	}
	return p, nil
}

// Held is about what the Decoder keeps of a packet whose attachments are still to come, in bytes; 0
// when it awaits none.
func (d *Decoder) Held() int { return d.held }

// reset forgets the packet that awaits attachments.
func (d *Decoder) reset() { *d = Decoder{Limits: d.Limits} }

// header is what stands before a packet's JSON.
type header struct {
	typ              Type
	attachments      int // -1 in a packet that is not binary
	namespace, query string
	id               uint64
	hasID            bool
	json             []byte // the rest, not yet looked at
}

func (l Limits) header(data []byte) (h header, err *Error) {
	if len(data) == 0 {
		return h, malformed("empty packet")
	}
	h.typ, h.attachments = Type(data[0]), -1
	data = data[1:]
	switch {
	case h.typ == binaryEvent || h.typ == binaryAck:
		h.typ -= Type(binaryShift)
		max := l.attachments()
		n, rest, ok := leadingNumber(data, uint64(max))
		if !ok {
			return h, overLimit(LimitAttachments, max)
		}
		if len(rest) == len(data) || len(rest) == 0 || rest[0] != '-' {
			return h, malformed("bad number of attachments")
		}
		h.attachments, data = int(n), rest[1:]
	case h.typ < Connect || h.typ > ConnectError:
		return h, malformed("unknown packet type")
	}
	if data, err = h.readNamespace(data); err != nil {
		return h, err
	}
	n, rest, ok := leadingNumber(data, MaxID)
	if !ok {
		return h, malformed("packet id beyond 2^53-1")
	}
	h.id, h.hasID, h.json = n, len(rest) < len(data), rest
	return h, nil
}

// readNamespace reads "/name?query," and returns the rest. Without id and payload the comma may be
// missing, as clients of protocol 3 leave it out.
func (h *header) readNamespace(data []byte) ([]byte, *Error) {
	h.namespace = "/"
	if len(data) == 0 || data[0] != '/' {
		return data, nil
	}
	name, rest, _ := bytes.Cut(data, []byte{','})
	name, query, _ := bytes.Cut(name, []byte{'?'})
	if len(name) > MaxNamespace {
		return nil, overLimit(LimitNamespace, MaxNamespace)
	}
	if len(query) > MaxQuery {
		return nil, overLimit(LimitQuery, MaxQuery)
	}
	if len(name) > 1 {
		h.namespace = string(name)
	}
	h.query = string(query)
	if !plainText(h.namespace) || !plainText(h.query) {
		return nil, malformed("control character or invalid UTF-8 in the namespace")
	}
	return rest, nil
}

// leadingNumber reads the digits that data begins with, maybe none; ok is false if they say more
// than max.
func leadingNumber(data []byte, max uint64) (n uint64, rest []byte, ok bool) {
	for len(data) > 0 && isDigit(data[0]) {
		// max is at most MaxID, so this cannot overflow before it is noticed.
		if n = n*10 + uint64(data[0]-'0'); n > max {
			return 0, nil, false
		}
		data = data[1:]
	}
	return n, data, true
}

// packet reads the JSON and puts the packet together.
func (h *header) packet(l Limits) (*Packet, *Error) {
	f := &frame{Packet: Packet{Type: h.typ, Namespace: h.namespace, Query: h.query, ID: h.id, HasID: h.hasID}}
	var err *Error
	switch h.typ {
	case Event, Ack:
		if h.typ == Ack && !h.hasID {
			return nil, malformed("acknowledgement without an id")
		}
		err = f.readArgs(h, l)
	default:
		if h.hasID {
			return nil, malformed("id on a packet that has none")
		}
		err = f.readData(h.json, l)
	}
	if err != nil {
		return nil, err
	}
	return &f.Packet, nil
}

// readData reads the payload of the types that have no arguments.
func (f *frame) readData(json []byte, l Limits) *Error {
	if len(json) == 0 {
		return nil
	}
	if f.Type == Disconnect {
		return malformed("payload on DISCONNECT")
	}
	s := newScanner(json, 0, l.depth())
	start, end, ok := s.document()
	if !ok {
		return s.err
	}
	if json[start] != '{' && !(f.Type == ConnectError && json[start] == '"') {
		return malformed("wrong kind of payload")
	}
	f.Data = json[start:end]
	return nil
}

// readArgs reads the array of an event or acknowledgement: syntax, depth, placeholders and the
// bounds of each argument, in one pass.
func (f *frame) readArgs(h *header, l Limits) *Error {
	s := newScanner(h.json, 0, l.depth())
	s.attachments, s.collect = h.attachments, h.attachments > 0
	s.space()
	if !s.at('[') {
		return malformed("arguments are not an array")
	}
	if !s.open() {
		return s.err
	}
	another, ok := true, true
	switch {
	case f.Type == Event:
		if err := f.readEvent(&s); err != nil {
			return err
		}
		another, ok = s.more(']')
	case s.at(']'):
		s.close()
		another = false
	}
	f.Args = f.room[:0]
	for another && ok {
		if len(f.Args) == l.args() {
			return overLimit(LimitArgs, l.args())
		}
		start, spans := s.pos, len(s.spans)
		s.notes = 0
		if !s.value() {
			return s.err
		}
		f.Args = append(f.Args, newValue(s.data[start:s.pos:s.pos], s.notes, s.spans[spans:]))
		another, ok = s.more(']')
	}
	if !ok || !s.end() {
		return s.err
	}
	return allUsed(s.spans, h.attachments)
}

// readEvent reads the event's name, the first element.
func (f *frame) readEvent(s *scanner) *Error {
	if !s.at('"') {
		return malformed("event name missing or not a string")
	}
	start := s.pos
	if !s.str() {
		return s.err
	}
	f.Event = unquoted(s.data[start:s.pos])
	if Reserved(f.Event) {
		return malformed("reserved event name")
	}
	return nil
}

// allUsed checks that the placeholders, each of which names an attachment, name every one of them
// once.
func allUsed(spans []span, attachments int) *Error {
	if attachments <= 0 {
		return nil
	}
	if len(spans) != attachments {
		return malformed("attachment without a placeholder")
	}
	seen := make([]bool, attachments)
	for _, sp := range spans {
		if seen[sp.num] {
			return malformed("two placeholders for one attachment")
		}
		seen[sp.num] = true
	}
	return nil
}
