package fanout

import (
	"fmt"
	"strconv"

	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/packet"
)

// sizeGuess is what an encoded packet is expected to need beside its arguments.
const sizeGuess = 64

// Encode encodes a packet of the library. Events and acks carry their arguments
// as []any, the event's name first; see the packet package for what an argument
// may be. It fails when an argument cannot be written as JSON.
func Encode(p *parser.Packet) (*engineio.Message, error) {
	switch p.Type {
	case parser.EVENT, parser.BINARY_EVENT:
		return encodeEvent(p)
	case parser.ACK, parser.BINARY_ACK:
		args, ok := p.Data.([]any)
		if !ok || p.Id == nil {
			return nil, fmt.Errorf("an ack needs an id and arguments, got %T", p.Data)
		}
		return engineio.NewMessage(guess(args), func(dst []byte) ([]byte, [][]byte, error) {
			return packet.AppendAck(dst, p.Nsp, *p.Id, args)
		})
	}
	return engineio.NewMessage(sizeGuess, func(dst []byte) ([]byte, [][]byte, error) {
		var err error
		switch p.Type {
		case parser.CONNECT:
			dst, err = packet.AppendConnect(dst, p.Nsp, acceptance(p.Data))
		case parser.CONNECT_ERROR:
			dst, err = packet.AppendConnectError(dst, p.Nsp, withoutNil(p.Data))
		case parser.DISCONNECT:
			dst, err = packet.AppendDisconnect(dst, p.Nsp)
		default:
			err = fmt.Errorf("packet type %v cannot be sent", p.Type)
		}
		return dst, nil, err
	})
}

// accepted is how the library tells a client that it is connected.
type accepted = struct {
	Sid socket.SocketId         `json:"sid" msgpack:"sid"`
	Pid socket.PrivateSessionId `json:"pid,omitempty" msgpack:"pid,omitempty"`
}

// acceptance writes what most CONNECT packets carry without reflection, which is a
// twentieth of what opening a connection costs.
func acceptance(data any) any {
	a, ok := data.(*accepted)
	if !ok {
		return data
	}
	json := strconv.AppendQuote([]byte(`{"sid":`), string(a.Sid))
	if a.Pid != "" {
		json = strconv.AppendQuote(append(json, `,"pid":`...), string(a.Pid))
	}
	return packet.Value{JSON: append(json, '}')}
}

// withoutNil leaves the data out of a refusal that has none, as the official
// server does.
func withoutNil(refusal any) any {
	m, ok := refusal.(map[string]any)
	if data, there := m["data"]; !ok || !there || data != nil {
		return refusal
	}
	return map[string]any{"message": m["message"]}
}

func encodeEvent(p *parser.Packet) (*engineio.Message, error) {
	data, ok := p.Data.([]any)
	if !ok || len(data) == 0 {
		return nil, fmt.Errorf("an event needs a name and arguments, got %T", p.Data)
	}
	event, ok := data[0].(string)
	if !ok {
		return nil, fmt.Errorf("an event's name is a string, not %T", data[0])
	}
	args := data[1:]
	var id uint64
	if p.Id != nil {
		id = *p.Id
	}
	msg, err := engineio.NewMessage(guess(args), func(dst []byte) ([]byte, [][]byte, error) {
		return packet.AppendEvent(dst, p.Nsp, event, id, p.Id != nil, args)
	})
	if err != nil {
		return nil, err
	}
	msg.SetPlain(func() (engineio.Plain, bool) { return readPlain(p.Nsp, event, args) })
	return msg, nil
}

// guess estimates how long the arguments will be, so that encoding allocates once.
func guess(args []any) int {
	n := sizeGuess
	for _, arg := range args {
		switch v := arg.(type) {
		case packet.Value:
			n += len(v.JSON) + 1
		case string:
			n += len(v) + 3
		}
	}
	return n
}

// Parser gives the library its encoder and decoder: see SetParser.
type Parser struct {
	// Failed is told of packets that could not be encoded.
	Failed func(error)
}

// NewEncoder returns an encoder whose output is one [Encoded] a packet.
func (p *Parser) NewEncoder() parser.Encoder { return &encoder{p.Failed} }

// NewDecoder returns a decoder that takes packets decoded already.
func (p *Parser) NewDecoder() parser.Decoder { return &decoder{} }

// Encoded is a whole packet, attachments included, in the place where the library
// hands on a buffer for each of its parts: so that nothing comes between them.
type Encoded struct {
	types.BufferInterface // nil: nobody reads it as a buffer

	Type      parser.PacketType
	Namespace string
	Message   *engineio.Message // nil if the packet could not be encoded
	Pid       string            // what a CONNECT answer tells its client alone, with recovery: the key to its session
}

// Clone returns e itself, which never changes.
func (e *Encoded) Clone() types.BufferInterface { return e }

type encoder struct{ failed func(error) }

func (e *encoder) Encode(p *parser.Packet) []types.BufferInterface {
	msg, err := Encode(p)
	if err != nil {
		e.failed(err) // and the connection is told, for which msg is nil
	}
	encoded := &Encoded{Type: p.Type, Namespace: p.Nsp, Message: msg}
	if a, ok := p.Data.(*accepted); ok {
		encoded.Pid = string(a.Pid)
	}
	return []types.BufferInterface{encoded}
}

// decoder passes packets on. Decoding happens before the library is involved, so
// that events can be kept in order and malformed packets refused.
type decoder struct {
	events.EventEmitter // nil: the library uses On and RemoveListener only

	decoded events.Listener
}

func (d *decoder) On(name events.EventName, listeners ...events.Listener) error {
	if name == "decoded" && len(listeners) == 1 {
		d.decoded = listeners[0]
	}
	return nil
}

func (d *decoder) RemoveListener(events.EventName, events.Listener) bool {
	// The listener stays: it is only called by Add, which nobody calls after the
	// end, and clearing it here would race with a call under way.
	return true
}

func (d *decoder) Add(data any) error {
	p, ok := data.(*parser.Packet)
	if !ok {
		return fmt.Errorf("expected a decoded packet, got %T", data)
	}
	d.decoded(p)
	return nil
}

func (d *decoder) Destroy() {}
