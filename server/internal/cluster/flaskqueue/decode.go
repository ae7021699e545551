package flaskqueue

import (
	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
)

func malformed(reason string) *jsonval.Error { return &jsonval.Error{Reason: "flask queue: " + reason} }

// fields is a message as the names and values of its encoding.
type fields interface {
	get(name string) (node, bool)
	// args reads the field as arguments.
	args(name string, limits jsonval.Limits) ([]packet.Value, error)
}

// node is the value of a field other than the arguments.
type node interface {
	isNull() bool
	text() (string, bool) // a string, or an integer as its decimal
	uint() (uint64, bool)
	// list returns what a list or tuple of at most max holds, nil for anything
	// else.
	list(max int) []node
}

// Decode reads a message in any of the encodings that python-socketio writes:
//
//   - pickle, before 5.14: a tuple is the arguments, None is none, anything else
//     one argument, a list too;
//   - JSON, from 5.14 on: a list is the arguments, as from 5.16 on, null or a
//     list of one null is none, anything else one argument. The list that 5.14
//     and 5.15 publish for one argument that is a list cannot be told from that.
//
// What JSON has no number for, NaN and the infinities, is null. An error is
// always a *jsonval.Error. What is decoded shares no memory with data.
func Decode(data []byte, limits jsonval.Limits) (Message, error) {
	if max := limits.Bytes(); len(data) > max {
		return Message{}, &jsonval.Error{Limit: jsonval.LimitBytes, Max: max}
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

// What a callback repeats for each client has at most so many bytes: the id of a
// process, and the names of a room and a namespace.
const (
	maxID  = 256
	maxRef = 4096
)

func (m *Message) read(f fields, limits jsonval.Limits) (err error) {
	method, err := text(f, "method", true)
	if err != nil {
		return err
	}
	m.Method = Method(method)
	if m.HostID, err = text(f, "host_id", false); err != nil {
		return err
	}
	if len(m.HostID) > maxID { // each client's answer repeats it
		return malformed("field host_id is too long")
	}
	if m.Namespace, err = text(f, "namespace", false); err != nil {
		return err
	}
	if m.Namespace == "" {
		m.Namespace = "/"
	}
	switch m.Method {
	case Emit:
		return m.readEmit(f, limits)
	case Callback:
		return m.readCallback(f, limits)
	case CloseRoom:
		m.Room, err = text(f, "room", true)
		return err
	case EnterRoom, LeaveRoom:
		if m.Room, err = text(f, "room", true); err != nil {
			return err
		}
		fallthrough
	case Disconnect:
		m.SID, err = text(f, "sid", true)
		return err
	}
	return malformed("unknown method")
}

func (m *Message) readEmit(f fields, limits jsonval.Limits) (err error) {
	if m.Event, err = text(f, "event", true); err != nil {
		return err
	}
	if m.Args, err = f.args("data", limits); err != nil {
		return err
	}
	if m.Rooms, err = texts(f, "room", limits); err != nil {
		return err
	}
	if m.SkipSIDs, err = texts(f, "skip_sid", limits); err != nil {
		return err
	}
	n, ok := f.get("callback")
	if !ok || n.isNull() {
		return nil
	}
	parts := n.list(3)
	if len(parts) != 3 {
		return malformed("field callback is not a list of three")
	}
	var ref CallbackRef
	var sidOK, namespaceOK, idOK bool
	ref.SID, sidOK = parts[0].text()
	ref.Namespace, namespaceOK = parts[1].text()
	ref.ID, idOK = parts[2].uint()
	if !sidOK || !namespaceOK || !idOK || len(ref.SID) > maxRef || len(ref.Namespace) > maxRef {
		return malformed("field callback is not a session, a namespace and a number")
	}
	m.Callback = &ref
	return nil
}

func (m *Message) readCallback(f fields, limits jsonval.Limits) (err error) {
	if m.SID, err = text(f, "sid", true); err != nil {
		return err
	}
	n, ok := f.get("id")
	if !ok {
		return malformed("field id is missing")
	}
	if m.ID, ok = n.uint(); !ok {
		return malformed("field id is not a number")
	}
	m.Args, err = f.args("args", limits)
	return err
}

// text reads a field that is a string.
func text(f fields, name string, needed bool) (string, error) {
	n, ok := f.get(name)
	if !ok || n.isNull() {
		if needed {
			return "", malformed("field " + name + " is missing")
		}
		return "", nil
	}
	s, ok := n.text()
	if !ok {
		return "", malformed("field " + name + " is not a string")
	}
	return s, nil
}

// texts reads a field that may be missing, a string or a list of strings.
func texts(f fields, name string, limits jsonval.Limits) ([]string, error) {
	n, ok := f.get(name)
	if !ok || n.isNull() {
		return nil, nil
	}
	if s, ok := n.text(); ok {
		return []string{s}, nil
	}
	items := n.list(limits.Values())
	if items == nil {
		return nil, malformed("field " + name + " is neither a string nor a list of strings, or too long")
	}
	all := make([]string, len(items))
	for i, item := range items {
		if all[i], ok = item.text(); !ok {
			return nil, malformed("field " + name + " is neither a string nor a list of strings")
		}
	}
	return all, nil
}
