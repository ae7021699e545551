package packet

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What the encoder refuses, beside values of types that JSON does not have.
var (
	errNamespace    = errors.New("packet: namespace does not begin with '/', is too long, or holds ',', '?', a control character or invalid UTF-8")
	errReserved     = errors.New("packet: reserved event name")
	errID           = errors.New("packet: id beyond 2^53-1")
	errPayload      = errors.New("packet: payload of CONNECT must be an object, of CONNECT_ERROR an object or a string, without attachments")
	errNoAttachment = errors.New("packet: placeholder of no attachment")
	errDepth        = fmt.Errorf("packet: value nested deeper than %d, or cyclic", DepthCeiling)
	errRawJSON      = errors.New("packet: invalid raw JSON")
)

// AppendEvent appends an event's text ("2/chat,12[\"name\",...]"; protocol
// section "Packet encoding") to dst and returns it with the attachments that
// have to follow, in order. An empty namespace is "/". After an error dst is
// returned as it was given.
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
// In a packet with attachments, an object whose "_placeholder" is true and
// that stands for none is written as null: a client would take it for an
// attachment, and fail or show the wrong one.
func AppendEvent(dst []byte, namespace, event string, id uint64, hasID bool, args []any) ([]byte, [][]byte, error) {
	if Reserved(event) {
		return dst, nil, errReserved
	}
	e := encoder{dst: dst, typ: Event, namespace: namespace, event: event, id: id, hasID: hasID}
	return e.encode(args)
}

// AppendAck appends an acknowledgement's text ("3/chat,12[...]"); everything
// else is as for AppendEvent.
func AppendAck(dst []byte, namespace string, id uint64, args []any) ([]byte, [][]byte, error) {
	e := encoder{dst: dst, typ: Ack, namespace: namespace, id: id, hasID: true}
	return e.encode(args)
}

// AppendConnect appends a CONNECT packet's text. The payload is an object
// without attachments, or nil for none, as clients of protocol 3 and 4 expect.
func AppendConnect(dst []byte, namespace string, payload any) ([]byte, error) {
	return appendPlain(dst, Connect, namespace, payload)
}

// AppendConnectError appends a CONNECT_ERROR packet's text. The payload is an
// object or a string; without one JavaScript clients fail.
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
	e := encoder{dst: dst, typ: t, namespace: namespace}
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

// encoder appends one packet to dst.
type encoder struct {
	typ       Type
	namespace string
	event     string
	id        uint64
	hasID     bool

	dst         []byte
	attachments [][]byte
	depth       int
	// lookalike says that an object was written that clients of a binary
	// packet would take for a placeholder; binary, that such objects are to be
	// written as null.
	lookalike, binary bool
}

// encode writes an event or acknowledgement. Whether attachments follow is
// known only at the end; in the rare packet that then turns out to have both
// attachments and lookalikes, everything is written once more.
func (e *encoder) encode(args []any) ([]byte, [][]byte, error) {
	dst := e.dst
	err := e.packet(args)
	if err == nil && e.lookalike && len(e.attachments) > 0 {
		e.dst, e.attachments, e.depth, e.binary = dst, nil, 0, true
		err = e.packet(args)
	}
	if err != nil {
		return dst, nil, err
	}
	n := len(e.attachments)
	if n == 0 {
		return e.dst, nil, nil
	}
	var buf [20]byte
	count := append(strconv.AppendInt(buf[:0], int64(n), 10), '-')
	e.dst[len(dst)] += binaryShift
	return slices.Insert(e.dst, len(dst)+1, count...), e.attachments, nil
}

// packet writes all but the number of attachments.
func (e *encoder) packet(args []any) error {
	if err := e.header(); err != nil {
		return err
	}
	e.dst = append(e.dst, '[')
	e.depth = 1
	if e.typ == Event {
		e.dst = appendQuoted(e.dst, e.event)
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

func (e *encoder) header() error {
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

// plainText reports whether text is UTF-8 without control characters: one of
// these, the record separator, is what parts packets in a polling payload.
func plainText(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] == 0x7F {
			return false
		}
	}
	return utf8.ValidString(text)
}

// any writes a value of the types that arguments mostly have, without
// reflection.
func (e *encoder) any(v any) error {
	switch v := v.(type) {
	case nil:
		e.null()
	case Value:
		return e.value(v)
	case json.RawMessage:
		if v == nil {
			e.null()
			return nil
		}
		return e.raw(v)
	case []byte:
		e.attach(v)
	case string:
		e.dst = appendQuoted(e.dst, v)
	case bool:
		e.dst = strconv.AppendBool(e.dst, v)
	case int:
		e.dst = strconv.AppendInt(e.dst, int64(v), 10)
	case int64:
		e.dst = strconv.AppendInt(e.dst, v, 10)
	case uint64:
		e.dst = strconv.AppendUint(e.dst, v, 10)
	case float64:
		e.float(v, 64)
	case map[string]any:
		return e.stringMap(v)
	case []any:
		return e.list(v)
	default:
		return e.reflected(v)
	}
	return nil
}

func (e *encoder) null() { e.dst = append(e.dst, "null"...) }

// enter counts one array, object or pointer more.
func (e *encoder) enter() error {
	if e.depth == DepthCeiling {
		return errDepth
	}
	e.depth++
	return nil
}

// attach writes the placeholder of the packet's next attachment.
func (e *encoder) attach(data []byte) {
	if data == nil {
		e.null()
		return
	}
	e.dst = append(e.dst, `{"_placeholder":true,"num":`...)
	e.dst = strconv.AppendInt(e.dst, int64(len(e.attachments)), 10)
	e.dst = append(e.dst, '}')
	e.attachments = append(e.attachments, data)
}

// value writes a Value: one of a text packet, or whose numbers happen to be
// right, by copying it.
func (e *encoder) value(v Value) error {
	const ordered = stateScanned | stateOrdered
	switch {
	case len(v.JSON) == 0:
		e.null()
	case v.state&(stateScanned|stateMarker) == stateScanned:
		e.dst = append(e.dst, v.JSON...)
	case len(v.Attachments) == 0:
		return e.raw(v.JSON)
	case v.state&ordered == ordered && int(v.first) == len(e.attachments) && int(v.first+v.count) <= len(v.Attachments):
		own := v.Attachments[v.first : v.first+v.count : v.first+v.count]
		e.dst = append(e.dst, v.JSON...)
		if e.attachments == nil {
			e.attachments = own
		} else {
			e.attachments = append(e.attachments, own...)
		}
	default:
		return e.renumbered(v)
	}
	return nil
}

// renumbered writes a Value with a new number for each placeholder.
func (e *encoder) renumbered(v Value) error {
	s := newScanner(v.JSON, e.depth, DepthCeiling)
	s.collect = true
	from, end, ok := s.document()
	if !ok {
		return fmt.Errorf("%w: %w", errRawJSON, s.err)
	}
	for _, sp := range s.spans {
		if sp.num < 0 || sp.num >= len(v.Attachments) {
			return errNoAttachment
		}
		data := v.Attachments[sp.num]
		if data == nil {
			data = []byte{} // what stands in the text is an attachment, not null
		}
		e.dst = append(e.dst, v.JSON[from:sp.start]...)
		e.attach(data)
		from = sp.end
	}
	e.dst = append(e.dst, v.JSON[from:end]...)
	return nil
}

// raw writes JSON text that holds no attachments.
func (e *encoder) raw(text []byte) error {
	s := newScanner(text, e.depth, DepthCeiling)
	s.collect = e.binary
	from, end, ok := s.document()
	if !ok {
		return fmt.Errorf("%w: %w", errRawJSON, s.err)
	}
	if s.notes&noteMarker != 0 {
		e.lookalike = true
	}
	for _, sp := range s.spans {
		e.dst = append(e.dst, text[from:sp.start]...)
		e.null()
		from = sp.end
	}
	e.dst = append(e.dst, text[from:end]...)
	return nil
}
