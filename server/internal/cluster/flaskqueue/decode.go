package flaskqueue

import (
	"cmp"
	"errors"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
)

// Decode reads a message in any of the encodings that python-socketio writes:
//
//   - pickle, before 5.14: a tuple is the arguments, None is none, anything else
//     one argument, a list too;
//   - JSON, from 5.14 on: a list is the arguments, as from 5.16 on, null or a
//     list of one null is none, anything else one argument. The list that 5.14
//     and 5.15 publish for one argument that is a list cannot be told from that.
//
// What JSON has no number for, NaN and the infinities, is null. An error is always a *packet.Error.
// What is decoded shares no memory with data.
func Decode(data []byte, limits jsonval.Limits) (Message, error) {
	if max := limits.Bytes(); len(data) > max {
		return Message{}, &packet.Error{Limit: packet.LimitBytes, Max: max}
	}
	if len(data) == 0 {
		return Message{}, malformed("empty message")
	}
	var f fields
	var err error
	m := Message{Format: FormatPickle}
	switch data[0] {
	case '{', ' ', '\t', '\r', '\n': // no pickle begins like this
		m.Format = FormatJSON
		f, err = readJSON(data, limits)
	default:
		f, err = readPickle(data, limits)
	}
	if err == nil {
		err = m.read(f, limits)
	}
	if err != nil {
		return Message{}, err
	}
	return m, nil
}

// What a callback repeats for each client has at most so many bytes: the id of a process, and the
// names of a room and a namespace.
const (
	maxID  = 256
	maxRef = 4096
)

func (m *Message) read(f fields, limits jsonval.Limits) (err error) {
	method, err := f.text("method", true)
	if err != nil {
		return err
	}
	m.Method = Method(method)
	if m.HostID, err = f.text("host_id", false); err != nil {
		return err
	}
	if len(m.HostID) > maxID { // each client's answer repeats it
		return malformed("field host_id is too long")
	}
	if m.Namespace, err = f.text("namespace", false); err != nil {
		return err
	}
	m.Namespace = cmp.Or(m.Namespace, "/")
	switch m.Method {
	case Emit:
		return m.readEmit(f, limits)
	case Callback:
		return m.readCallback(f, limits)
	case CloseRoom:
		m.Room, err = f.text("room", true)
		return err
	case EnterRoom, LeaveRoom:
		if m.Room, err = f.text("room", true); err != nil {
			return err
		}
		fallthrough
	case Disconnect:
		m.SID, err = f.text("sid", true)
		return err
	}
	return malformed("unknown method")
}

func (m *Message) readEmit(f fields, limits jsonval.Limits) (err error) {
	if m.Event, err = f.text("event", true); err != nil {
		return err
	}
	if m.Args, err = f.args("data", limits); err != nil {
		return err
	}
	if m.Rooms, err = f.texts("room", limits); err != nil {
		return err
	}
	if m.SkipSIDs, err = f.texts("skip_sid", limits); err != nil {
		return err
	}
	v, ok := f.get("callback")
	if !ok || v.IsNull() {
		return nil
	}
	parts, err := elements(v, 3, errors.New("more than three"))
	if err != nil || len(parts) != 3 {
		return malformed("field callback is not a list of three")
	}
	var ref CallbackRef
	var sidOK, namespaceOK, idOK bool
	ref.SID, sidOK = textOf(parts[0])
	ref.Namespace, namespaceOK = textOf(parts[1])
	ref.ID, idOK = uintOf(parts[2])
	if !sidOK || !namespaceOK || !idOK || len(ref.SID) > maxRef || len(ref.Namespace) > maxRef {
		return malformed("field callback is not a session, a namespace and a number")
	}
	m.Callback = &ref
	return nil
}

func (m *Message) readCallback(f fields, limits jsonval.Limits) (err error) {
	if m.SID, err = f.text("sid", true); err != nil {
		return err
	}
	v, ok := f.get("id")
	if !ok {
		return malformed("field id is missing")
	}
	if m.ID, ok = uintOf(v); !ok {
		return malformed("field id is not a number")
	}
	m.Args, err = f.args("args", limits)
	return err
}
