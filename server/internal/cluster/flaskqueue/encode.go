package flaskqueue

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"

	"hipflask/server/internal/packet"
)

// Append appends the message in the given format to dst. After an error dst is
// returned as it was given. An error is always a *jsonval.Error.
func Append(dst []byte, m *Message, f Format) ([]byte, error) {
	switch m.Method {
	case Emit, Callback, CloseRoom, EnterRoom, LeaveRoom, Disconnect:
	default:
		return dst, malformed("unknown method")
	}
	if m.ID > math.MaxInt64 || m.Callback != nil && m.Callback.ID > math.MaxInt64 {
		return dst, malformed("an id beyond 2^63-1")
	}
	write := appendJSON
	if f == FormatPickle {
		write = appendPickle
	}
	out, err := write(dst, m)
	if err != nil {
		return dst, err
	}
	return out, nil
}

func (m *Message) namespace() string {
	if m.Namespace == "" {
		return "/"
	}
	return m.Namespace
}

// wire is a message as python-socketio 5.16 writes it. What is nil is not part of it; what
// points to nil is null.
type wire struct {
	Method      Method `json:"method"`
	Event       *any   `json:"event,omitempty"`
	Data        *any   `json:"data,omitempty"`
	Binary      *any   `json:"binary,omitempty"`
	SID         *any   `json:"sid,omitempty"`
	ID          *any   `json:"id,omitempty"`
	Args        *any   `json:"args,omitempty"`
	Room        *any   `json:"room,omitempty"`
	SkipSIDs    *any   `json:"skip_sid,omitempty"`
	CallbackRef *any   `json:"callback,omitempty"`
	Namespace   string `json:"namespace"`
	HostID      string `json:"host_id"`
}

func is(v any) *any { return &v }

func appendJSON(dst []byte, m *Message) ([]byte, error) {
	w := wire{Method: m.Method, Namespace: m.namespace(), HostID: m.HostID}
	switch m.Method {
	case Emit:
		data, binary, err := encodeData(m.Args)
		if err != nil {
			return nil, err
		}
		w.Event, w.Data, w.Binary = is(m.Event), is(data), is(binary)
		w.Room, w.SkipSIDs = is(oneOrAll(m.Rooms)), is(oneOrAll(m.SkipSIDs))
		w.CallbackRef = is(nil)
		if ref := m.Callback; ref != nil {
			w.CallbackRef = is([]any{ref.SID, ref.Namespace, ref.ID})
		}
	case Callback:
		w.SID, w.ID, w.Args = is(m.SID), is(m.ID), is(notNil(m.Args))
	case CloseRoom:
		w.Room = is(m.Room)
	case EnterRoom, LeaveRoom:
		w.SID, w.Room = is(m.SID), is(m.Room)
	case Disconnect:
		w.SID = is(m.SID)
	}
	out, attachments, err := packet.AppendJSON(dst, w)
	switch {
	case err != nil:
		return nil, malformed(err.Error())
	case len(attachments) > 0:
		return nil, malformed("python-socketio's JSON has no binary acknowledgements")
	}
	return out, nil
}

// encodeData is the list of the arguments; with attachments, which it numbers from 0, it is
// [arguments, base64, ...].
func encodeData(args []packet.Value) (data any, binary bool, err error) {
	list := notNil(args)
	if !slices.ContainsFunc(args, func(v packet.Value) bool { return len(v.Attachments) > 0 }) {
		return list, false, nil
	}
	text, attachments, err := packet.AppendJSON(nil, list)
	if err != nil {
		return nil, false, malformed(err.Error())
	}
	all := []any{json.RawMessage(text)}
	for _, data := range attachments {
		all = append(all, base64.StdEncoding.EncodeToString(data))
	}
	return all, true, nil
}

// notNil returns the list, empty where null would be written.
func notNil(args []packet.Value) []packet.Value {
	if args == nil {
		return []packet.Value{}
	}
	return args
}

// oneOrAll is null, a string or a list, as python-socketio has it.
func oneOrAll(all []string) any {
	switch {
	case all == nil:
		return nil
	case len(all) == 1:
		return all[0]
	}
	return all
}
