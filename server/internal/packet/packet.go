// Package packet owns the text and binary form of Socket.IO packets: a strict,
// bounded decoder and an encoder, for Socket.IO protocol 5 (Engine.IO 4
// clients) and for protocols 3 and 4 (Engine.IO 3 clients), whose wire differs
// only in CONNECT. Arguments stay the JSON they came in until somebody asks
// for them, so key order and big integers survive a broadcast.
//
// The package sees what stands behind Engine.IO's message type: neither the
// '4' of a text message nor the framing of a binary one.
package packet

import "strconv"

// Type is the packet type as the ASCII digit on the wire. BINARY_EVENT ('5')
// and BINARY_ACK ('6') are reported as Event and Ack: whether a packet carries
// attachments shows in its arguments.
type Type byte

// The packet types of the Socket.IO protocol, section "Packet encoding".
const (
	Connect      Type = '0'
	Disconnect   Type = '1'
	Event        Type = '2'
	Ack          Type = '3'
	ConnectError Type = '4'

	binaryEvent = '5'
	binaryAck   = '6'
	// What an Event or Ack digit gains when attachments follow.
	binaryShift = binaryEvent - byte(Event)
)

// String names the type as the protocol's specification does.
func (t Type) String() string {
	switch t {
	case Connect:
		return "CONNECT"
	case Disconnect:
		return "DISCONNECT"
	case Event:
		return "EVENT"
	case Ack:
		return "ACK"
	case ConnectError:
		return "CONNECT_ERROR"
	}
	return "Type(" + strconv.Itoa(int(t)) + ")"
}

// Packet is one decoded packet.
type Packet struct {
	Type      Type
	Namespace string  // "/" when none was written; without the query
	Query     string  // what followed '?' in the namespace: "token=x" of "/chat?token=x"
	ID        uint64  // the acknowledgement's number, at most MaxID; only with HasID
	HasID     bool    // always true for Ack
	Event     string  // the event's name, for Event
	Args      []Value // Event: what follows the name; Ack: everything
	Data      []byte  // Connect, ConnectError: the JSON payload as it came; nil if none
}

const (
	// MaxID is the largest packet id: the largest integer up to which a
	// JavaScript client counts exactly, 2^53-1.
	MaxID = 1<<53 - 1
	// MaxNamespace bounds a namespace's length, in bytes, without the query.
	MaxNamespace = 512
	// MaxQuery bounds the query of a namespace, in bytes. It is where
	// protocol 3 and 4 clients put their tokens.
	MaxQuery = 8192
)

// Defaults of Limits.
const (
	// DefaultMaxAttachments is what the official parser takes (from 4.2.6 on):
	// a packet with more, once broadcast, would cost every JavaScript client
	// its connection.
	DefaultMaxAttachments = 10
	DefaultMaxDepth       = 128
	// DefaultMaxBytes is ten messages of Engine.IO's default size.
	DefaultMaxBytes = 10_000_000
	DefaultMaxArgs  = 1024
	// DepthCeiling is the largest JSON depth there is: a greater MaxDepth is
	// taken as this, and the encoder refuses Go values that nest deeper.
	DepthCeiling = 1000
	// AttachmentsCeiling is what a greater MaxAttachments is taken as.
	AttachmentsCeiling = 1 << 20
)

// Limits bounds what one packet may hold. A zero field means the default.
type Limits struct {
	// MaxAttachments is the number of binary attachments; a negative value
	// allows none. At most AttachmentsCeiling.
	MaxAttachments int
	// MaxDepth is the number of JSON arrays and objects inside each other,
	// the array of the arguments being the first. At most DepthCeiling.
	MaxDepth int
	// MaxBytes is the packet's text and attachments together, in bytes. It is
	// also what a client can make a Decoder hold while attachments are awaited.
	MaxBytes int
	// MaxArgs is the number of arguments of an event or acknowledgement. An
	// argument takes two bytes on the wire and sixty-four in memory.
	MaxArgs int
}

func (l Limits) attachments() int {
	if l.MaxAttachments < 0 {
		return 0
	}
	return min(orDefault(l.MaxAttachments, DefaultMaxAttachments), AttachmentsCeiling)
}

func (l Limits) depth() int { return min(orDefault(l.MaxDepth, DefaultMaxDepth), DepthCeiling) }
func (l Limits) bytes() int { return orDefault(l.MaxBytes, DefaultMaxBytes) }
func (l Limits) args() int  { return orDefault(l.MaxArgs, DefaultMaxArgs) }

func orDefault(n, def int) int {
	if n <= 0 {
		return def
	}
	return n
}

// What Error.Limit can say.
const (
	LimitAttachments = "attachments"
	LimitDepth       = "depth"
	LimitBytes       = "bytes"
	LimitArgs        = "arguments"
	LimitNamespace   = "namespace"
	LimitQuery       = "query"
)

// Error says why the decoder refused a packet. With an empty Limit the packet
// was malformed; otherwise it went over the named limit, and an operator whose
// clients are honest may raise it (LimitNamespace and LimitQuery are fixed).
type Error struct {
	Limit  string // "" or one of the Limit constants
	Max    int    // the limit's value, when Limit is set
	Reason string // what was wrong, when Limit is empty; holds nothing the client sent

	Connect bool // it was to be a CONNECT, whose answer the client waits for
}

func (e *Error) Error() string {
	if e.Limit != "" {
		return "packet: over the limit of " + e.Limit + " (" + strconv.Itoa(e.Max) + ")"
	}
	return "packet: malformed: " + e.Reason
}

func malformed(reason string) *Error         { return &Error{Reason: reason} }
func overLimit(limit string, max int) *Error { return &Error{Limit: limit, Max: max} }

// Reserved reports whether an event may not bear the name. Clients close the
// connection on such an event.
func Reserved(event string) bool {
	switch event {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return true
	}
	return false
}
