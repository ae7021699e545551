package msgpack

import (
	"slices"

	"github.com/tinylib/msgp/msgp"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
)

// Decode reads a packet as socket.io-msgpack-parser 3.0.2 writes it: a map with type, nsp, data, id
// and options. It holds what packet.Decoder's packets hold, within the same limits: MaxBytes is the
// size of the message, and that of its arguments as JSON with their attachments. An error is always
// a *packet.Error. What is decoded shares no memory with data.
func Decode(data []byte, limits packet.Limits) (*packet.Packet, error) {
	filled := limits.Filled()
	if len(data) > filled.MaxBytes {
		return nil, &packet.Error{Limit: packet.LimitBytes, Max: filled.MaxBytes}
	}
	m := message{Reader: Reader{data: data, prefix: "malformed: ", client: true}, limits: filled, typ: -1}
	m.Object(m.field)
	switch {
	case m.Left() > 0:
		m.Malformed("bytes after the packet")
	case m.typ < 0:
		m.Malformed("a packet without its type")
	}
	if m.err != nil {
		m.err.Connect = m.typ == 0
		return nil, m.err
	}
	return limits.Assemble(packet.Connect+packet.Type(m.typ), m.namespace, m.id, m.hasID, m.payload)
}

// message is a packet that is being read.
type message struct {
	Reader
	limits    packet.Limits
	seen      map[string]bool
	typ       int // -1 until it is known
	namespace string
	id        uint64
	hasID     bool
	payload   *packet.Value
}

// field reads the value of one member. Undefined is as if it were not there.
func (m *message) field(key []byte) {
	name := string(key)
	if m.Undefined() || !slices.Contains([]string{"type", "nsp", "data", "id"}, name) {
		m.Skip()
		return
	}
	if m.seen[name] {
		m.Malformed("a packet with two fields of one name")
		return
	}
	if m.seen == nil {
		m.seen = make(map[string]bool, 4)
	}
	m.seen[name] = true
	switch name {
	case "type":
		m.typ = int(m.number("type", int64(packet.ConnectError-packet.Connect)))
	case "nsp":
		if m.Next() != msgp.StrType {
			m.Malformed("a namespace that is no string")
		}
		m.namespace = m.Text()
	case "id":
		m.id, m.hasID = uint64(m.number("id", packet.MaxID)), true
	case "data":
		m.payload = m.value()
	}
}

// number reads an integer from 0 to max; after an error it is -1.
func (m *message) number(name string, max int64) int64 {
	if typ := m.Next(); typ != msgp.IntType && typ != msgp.UintType {
		m.Malformed("a packet whose " + name + " is no integer")
		return -1
	}
	n := m.Int()
	if n < 0 || n > max {
		m.Malformed("a packet with an impossible " + name)
	}
	if m.err != nil {
		return -1
	}
	return n
}

func (m *message) value() *packet.Value {
	b := jsonval.NewBuilder(jsonval.Limits{
		MaxBytes: m.limits.MaxBytes, MaxDepth: m.limits.MaxDepth, MaxValues: m.limits.MaxBytes,
		MaxAttachments: max(1, m.limits.MaxAttachments), // 0 would be the default
	}, min(m.Left(), 1024))
	m.Value(b)
	values, err := b.Values()
	if err != nil || m.err != nil {
		return nil
	}
	if len(values[0].Attachments) > m.limits.MaxAttachments {
		m.Fail(&packet.Error{Limit: packet.LimitAttachments, Max: m.limits.MaxAttachments})
	}
	return &values[0]
}

// Append appends a packet as socket.io-msgpack-parser writes it. Its attachments are part of it. An
// error is always a *packet.Error.
func Append(dst []byte, p *packet.Packet) ([]byte, error) {
	w := Writer{dst: dst}
	n := 2
	arguments := p.Type == packet.Event || p.Type == packet.Ack
	if arguments || p.Data != nil {
		n++
	}
	if p.HasID {
		n++
	}
	w.Object(n)
	w.Text("type")
	w.Integer(int64(p.Type - packet.Connect))
	if arguments {
		if err := w.arguments(p); err != nil {
			return dst, err
		}
	} else if p.Data != nil {
		w.Text("data")
		if err := w.Value(packet.Value{JSON: p.Data}); err != nil {
			return dst, err
		}
	}
	w.Text("nsp")
	w.Text(p.Namespace)
	if p.HasID {
		w.Text("id")
		w.Integer(int64(p.ID))
	}
	return w.dst, nil
}

// Repack appends what a client of socket.io-msgpack-parser is sent in the place of a packet that
// package packet has written as text and attachments.
func Repack(dst, text []byte, attachments [][]byte) ([]byte, error) {
	p, err := packet.Reread(text, attachments)
	if err != nil {
		return dst, err
	}
	return Append(dst, p)
}

func (w *Writer) arguments(p *packet.Packet) error {
	w.Text("data")
	if p.Type == packet.Event {
		w.Array(1 + len(p.Args))
		w.Text(p.Event)
	} else {
		w.Array(len(p.Args))
	}
	for _, arg := range p.Args {
		if err := w.Value(arg); err != nil {
			return err
		}
	}
	return nil
}
