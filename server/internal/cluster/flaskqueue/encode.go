package flaskqueue

import (
	"bytes"
	"encoding/base64"
	"math"
	"strconv"

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

// appendJSON writes the message as python-socketio 5.16 does.
func appendJSON(dst []byte, m *Message) ([]byte, error) {
	w := jsonWriter{dst: append(dst, '{')}
	w.text("method", string(m.Method))
	switch m.Method {
	case Emit:
		args, attachments, err := encodeArgs(m.Args)
		if err != nil {
			return nil, err
		}
		w.text("event", m.Event)
		w.data(args, attachments)
		w.texts("room", m.Rooms)
		w.texts("skip_sid", m.SkipSIDs)
		w.ref(m.Callback)
	case Callback:
		args, attachments, err := encodeArgs(m.Args)
		if err != nil {
			return nil, err
		}
		if len(attachments) > 0 {
			return nil, malformed("python-socketio's JSON has no binary acknowledgements")
		}
		w.text("sid", m.SID)
		w.key("id")
		w.dst = append(strconv.AppendUint(w.dst, m.ID, 10), ',')
		w.key("args")
		w.dst = append(append(w.dst, args...), ',')
	case CloseRoom:
		w.text("room", m.Room)
	case EnterRoom, LeaveRoom:
		w.text("sid", m.SID)
		w.text("room", m.Room)
	case Disconnect:
		w.text("sid", m.SID)
	}
	w.text("namespace", m.namespace())
	w.text("host_id", m.HostID)
	w.dst[len(w.dst)-1] = '}' // in place of the last comma
	return w.dst, nil
}

// encodeArgs writes the arguments as one list, with its attachments numbered
// from 0.
func encodeArgs(args []packet.Value) (list []byte, attachments [][]byte, err error) {
	all := make([]any, len(args))
	for i, arg := range args {
		all[i] = arg
	}
	// An acknowledgement is such a list, behind a number.
	text, attachments, err := packet.AppendAck(nil, "/", 0, all)
	if err != nil {
		return nil, nil, malformed(err.Error())
	}
	return text[bytes.IndexByte(text, '['):], attachments, nil
}

// jsonWriter appends members, each followed by a comma.
type jsonWriter struct{ dst []byte }

// key writes a name, which needs no escapes.
func (w *jsonWriter) key(name string) {
	w.dst = append(append(append(w.dst, '"'), name...), `":`...)
}

func (w *jsonWriter) text(name, value string) {
	w.key(name)
	w.dst = append(packet.AppendText(w.dst, value), ',')
}

// texts writes null, a string or a list, as python-socketio does.
func (w *jsonWriter) texts(name string, all []string) {
	w.key(name)
	switch {
	case all == nil:
		w.dst = append(w.dst, "null"...)
	case len(all) == 1:
		w.dst = packet.AppendText(w.dst, all[0])
	default:
		w.dst = append(w.dst, '[')
		for i, s := range all {
			if i > 0 {
				w.dst = append(w.dst, ',')
			}
			w.dst = packet.AppendText(w.dst, s)
		}
		w.dst = append(w.dst, ']')
	}
	w.dst = append(w.dst, ',')
}

// data writes the arguments, with attachments as [arguments, base64, ...].
func (w *jsonWriter) data(args []byte, attachments [][]byte) {
	w.key("data")
	if len(attachments) == 0 {
		w.dst = append(append(w.dst, args...), `,"binary":false,`...)
		return
	}
	w.dst = append(append(w.dst, '['), args...)
	for _, data := range attachments {
		w.dst = append(base64.StdEncoding.AppendEncode(append(w.dst, `,"`...), data), '"')
	}
	w.dst = append(w.dst, `],"binary":true,`...)
}

func (w *jsonWriter) ref(ref *CallbackRef) {
	w.key("callback")
	if ref == nil {
		w.dst = append(w.dst, "null,"...)
		return
	}
	w.dst = packet.AppendText(append(w.dst, '['), ref.SID)
	w.dst = packet.AppendText(append(w.dst, ','), ref.Namespace)
	w.dst = strconv.AppendUint(append(w.dst, ','), ref.ID, 10)
	w.dst = append(w.dst, "],"...)
}
