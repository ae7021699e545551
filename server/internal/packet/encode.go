package packet

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What is refused, beside arguments that cannot be written.
var (
	errNamespace = errors.New("packet: namespace does not begin with '/', is too long, or holds ',', '?', a control character or invalid UTF-8")
	errReserved  = errors.New("packet: reserved event name")
	errID        = errors.New("packet: id beyond 2^53-1")
	errPayload   = errors.New("packet: payload of CONNECT must be an object, of CONNECT_ERROR an object or a string, without attachments")
)

// AppendEvent appends an event's text ("2/chat,12[\"name\",...]"; protocol section "Packet
// encoding") to dst and returns it with the attachments that have to follow, in order. An empty
// namespace is "/". After an error dst is returned as it was given.
//
// An argument is encoded as encoding/json would, with these differences:
//
//   - A []byte, at any depth, becomes an attachment, a nil one null. It is not
//     copied: nobody may write to it until it has been sent.
//   - A Value is copied as it is, its placeholders numbered anew where needed;
//     so is a json.RawMessage or what a MarshalJSON returns, once found valid.
//   - NaN and the infinities become null, as in JavaScript.
//   - Nothing is escaped for HTML, and invalid UTF-8 becomes U+FFFD.
//   - Arrays, objects and pointers inside each other beyond DepthCeiling are
//     an error; so cyclic values are.
//
// In a packet with attachments, an object whose "_placeholder" is true and that stands for none is
// written as null: a client would take it for an attachment, and fail or show the wrong one.
func AppendEvent(dst []byte, namespace, event string, id uint64, hasID bool, args []any) ([]byte, [][]byte, error) {
	if Reserved(event) {
		return dst, nil, errReserved
	}
	e := outgoing{encoder: encoder{dst: dst}, typ: Event, namespace: namespace, event: event, id: id, hasID: hasID}
	return e.encode(args)
}

// AppendAck appends an acknowledgement's text ("3/chat,12[...]"); everything else is as for
// AppendEvent.
func AppendAck(dst []byte, namespace string, id uint64, args []any) ([]byte, [][]byte, error) {
	e := outgoing{encoder: encoder{dst: dst}, typ: Ack, namespace: namespace, id: id, hasID: true}
	return e.encode(args)
}

// AppendConnect appends a CONNECT packet's text. The payload is an object without attachments, or
// nil for none, as clients of protocol 3 and 4 expect.
func AppendConnect(dst []byte, namespace string, payload any) ([]byte, error) {
	return appendPlain(dst, Connect, namespace, payload)
}

// AppendConnectError appends a CONNECT_ERROR packet's text. The payload is an object or a string;
// without one JavaScript clients fail.
func AppendConnectError(dst []byte, namespace string, payload any) ([]byte, error) {
	if payload == nil {
		return dst, errPayload
	}
	return appendPlain(dst, ConnectError, namespace, payload)
}

// AppendDisconnect appends a DISCONNECT packet's text.
func AppendDisconnect(dst []byte, namespace string) ([]byte, error) {
	return appendPlain(dst, Disconnect, namespace, nil)
}

func appendPlain(dst []byte, t Type, namespace string, payload any) ([]byte, error) {
	e := outgoing{encoder: encoder{dst: dst}, typ: t, namespace: namespace}
	if err := e.header(); err != nil {
		return dst, err
	}
	if payload == nil {
		return e.dst, nil
	}
	start := len(e.dst)
	if err := e.any(payload); err != nil {
		return dst, err
	}
	c := e.dst[start]
	if len(e.attachments) > 0 || c != '{' && !(c == '"' && t == ConnectError) {
		return dst, errPayload
	}
	return e.dst, nil
}

// outgoing is one packet that is appended to dst.
type outgoing struct {
	encoder
	typ       Type
	namespace string
	event     string
	id        uint64
	hasID     bool
}

// encode writes an event or acknowledgement.
func (e *outgoing) encode(args []any) ([]byte, [][]byte, error) {
	start := len(e.dst)
	if err := e.twice(func() error { return e.packet(args) }); err != nil {
		return e.dst, nil, err
	}
	n := len(e.attachments)
	if n == 0 {
		return e.dst, nil, nil
	}
	var buf [20]byte
	count := append(strconv.AppendInt(buf[:0], int64(n), 10), '-')
	e.dst[start] += binaryShift
	return slices.Insert(e.dst, start+1, count...), e.attachments, nil
}

// packet writes all but the number of attachments.
func (e *outgoing) packet(args []any) error {
	if err := e.header(); err != nil {
		return err
	}
	e.dst = append(e.dst, '[')
	e.depth = 1
	if e.typ == Event {
		e.dst = AppendText(e.dst, e.event)
	}
	for i, arg := range args {
		if i > 0 || e.typ == Event {
			e.dst = append(e.dst, ',')
		}
		if err := e.any(arg); err != nil {
			return fmt.Errorf("argument %d: %w", i, err)
		}
	}
	e.dst = append(e.dst, ']')
	return nil
}

func (e *outgoing) header() error {
	e.dst = append(e.dst, byte(e.typ))
	if ns := e.namespace; ns != "" && ns != "/" {
		if ns[0] != '/' || len(ns) > MaxNamespace || strings.ContainsAny(ns, ",?") || !plainText(ns) {
			return errNamespace
		}
		e.dst = append(append(e.dst, ns...), ',')
	}
	if e.hasID {
		if e.id > MaxID {
			return errID
		}
		e.dst = strconv.AppendUint(e.dst, e.id, 10)
	}
	return nil
}

// plainText reports whether text is UTF-8 without control characters: one of these, the record
// separator, is what parts packets in a polling payload.
func plainText(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] == 0x7F {
			return false
		}
	}
	return utf8.ValidString(text)
}
