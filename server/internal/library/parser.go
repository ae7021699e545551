package library

import (
	"fmt"
	"strconv"

	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/packet"
)

// parsing gives the library its encoder and decoder.
type parsing struct{ failed func(error) }

func (p parsing) NewEncoder() parser.Encoder { return encoder(p) }
func (p parsing) NewDecoder() parser.Decoder { return new(decoder) }

// encoded is a whole packet in the place where the library hands on a buffer for each of its parts:
// so that nothing comes between them.
type encoded struct {
	types.BufferInterface // nil: nobody reads it as a buffer

	packet *parser.Packet
	failed func(error)
}

// Clone returns e itself, which never changes.
func (e *encoded) Clone() types.BufferInterface { return e }

// message is the packet for the client, nil if it could not be encoded.
func (e *encoded) message() *engineio.Message {
	msg, err := encode(e.packet)
	if err != nil {
		e.failed(err)
	}
	return msg
}

// pid is what a CONNECT answer tells its client alone, with recovery: the key to its session.
func (e *encoded) pid() string {
	if a, ok := e.packet.Data.(*accepted); ok {
		return string(a.Pid)
	}
	return ""
}

type encoder parsing

// Encode returns one [encoded] for a packet.
func (e encoder) Encode(p *parser.Packet) []types.BufferInterface {
	return []types.BufferInterface{&encoded{packet: p, failed: e.failed}}
}

// encode encodes what the library sends: events and acknowledgements are not its own.
func encode(p *parser.Packet) (*engineio.Message, error) {
	switch p.Type {
	case parser.CONNECT:
		return fanout.EncodeConnect(p.Nsp, acceptance(p.Data))
	case parser.CONNECT_ERROR:
		return fanout.EncodeConnectError(p.Nsp, withoutNil(p.Data))
	case parser.DISCONNECT:
		return fanout.EncodeDisconnect(p.Nsp)
	}
	return nil, fmt.Errorf("packet type %v cannot be sent", p.Type)
}

// accepted is how the library tells a client that it is connected.
type accepted = struct {
	Sid socket.SocketId         `json:"sid" msgpack:"sid"`
	Pid socket.PrivateSessionId `json:"pid,omitempty" msgpack:"pid,omitempty"`
}

// acceptance writes what most CONNECT packets carry without reflection, which is a twentieth of
// what opening a connection costs.
func acceptance(data any) any {
	a, ok := data.(*accepted)
	if !ok {
		return data
	}
	json := strconv.AppendQuote(append(make([]byte, 0, 64), `{"sid":`...), string(a.Sid))
	if a.Pid != "" {
		json = strconv.AppendQuote(append(json, `,"pid":`...), string(a.Pid))
	}
	return packet.Value{JSON: append(json, '}')}
}

// withoutNil leaves the data out of a refusal that has none, as the official server does.
func withoutNil(refusal any) any {
	m, ok := refusal.(map[string]any)
	if data, there := m["data"]; !ok || !there || data != nil {
		return refusal
	}
	return map[string]any{"message": m["message"]}
}

// decoder passes packets on. Decoding happens before the library is involved, so that events can be
// kept in order and malformed packets refused.
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
	// The listener stays: it is only called by Add, which nobody calls after the end, and clearing
	// it here would race with a call under way.
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
