package flaskqueue

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"

	"hipflask/server/internal/packet"
)

// Append appends the message in the given format to dst. After an error dst is returned as it was
// given. An error is always a *packet.Error.
func Append(dst []byte, m *Message, f Format) ([]byte, error) {
	switch m.Method {
	case Emit, Callback, CloseRoom, EnterRoom, LeaveRoom, Disconnect:
	default:
		return dst, malformed("unknown method")
	}
	if m.ID > math.MaxInt64 || m.Callback != nil && m.Callback.ID > math.MaxInt64 {
		return dst, malformed("an id beyond 2^63-1")
	}
	if f == FormatPickle {
		return appendPickle(dst, m)
	}
	return appendJSON(dst, m)
}

// sender ends every message.
type sender struct {
	Namespace string `json:"namespace"`
	HostID    string `json:"host_id"`
}

// emitJSON, callbackJSON and changeJSON are messages as python-socketio 5.16 writes them; older
// ones have no binary.
type emitJSON struct {
	Method   Method `json:"method"`
	Event    string `json:"event"`
	Data     any    `json:"data"`
	Binary   *bool  `json:"binary,omitempty"`
	Rooms    any    `json:"room"`
	SkipSIDs any    `json:"skip_sid"`
	Callback []any  `json:"callback"`
	sender
}

type callbackJSON struct {
	Method Method         `json:"method"`
	SID    string         `json:"sid"`
	ID     uint64         `json:"id"`
	Args   []packet.Value `json:"args"`
	sender
}

type changeJSON struct {
	Method Method  `json:"method"`
	SID    *string `json:"sid,omitempty"`
	Room   *string `json:"room,omitempty"`
	sender
}

// parts are what is written of a message.
func (m *Message) parts() any {
	from := sender{cmp.Or(m.Namespace, "/"), m.HostID}
	switch m.Method {
	case Emit:
		emit := &emitJSON{Method: m.Method, Event: m.Event, Data: notNil(m.Args), Rooms: oneOrAll(m.Rooms), SkipSIDs: oneOrAll(m.SkipSIDs), sender: from}
		if ref := m.Callback; ref != nil {
			emit.Callback = []any{ref.SID, ref.Namespace, ref.ID}
		}
		return emit
	case Callback:
		return &callbackJSON{m.Method, m.SID, m.ID, notNil(m.Args), from}
	case CloseRoom:
		return &changeJSON{m.Method, nil, &m.Room, from}
	case Disconnect:
		return &changeJSON{m.Method, &m.SID, nil, from}
	}
	return &changeJSON{m.Method, &m.SID, &m.Room, from} // EnterRoom, LeaveRoom
}

func appendJSON(dst []byte, m *Message) ([]byte, error) {
	out := m.parts()
	if emit, ok := out.(*emitJSON); ok {
		if err := emit.encodeData(m.Args); err != nil {
			return dst, err
		}
	}
	text, attachments, err := packet.AppendJSON(dst, out)
	switch {
	case err != nil:
		return dst, malformed(err.Error())
	case len(attachments) > 0:
		return dst, malformed("python-socketio's JSON has no binary acknowledgements")
	}
	return text, nil
}

// encodeData fills in whether there are attachments among the arguments; with some, which it
// numbers from 0, the data is [arguments, base64, ...].
func (emit *emitJSON) encodeData(args []packet.Value) error {
	binary := slices.ContainsFunc(args, func(v packet.Value) bool { return len(v.Attachments) > 0 })
	emit.Binary = &binary
	if !binary {
		return nil
	}
	text, attachments, err := packet.AppendJSON(nil, args)
	if err != nil {
		return malformed(err.Error())
	}
	all := []any{json.RawMessage(text)}
	for _, data := range attachments {
		all = append(all, base64.StdEncoding.EncodeToString(data))
	}
	emit.Data = all
	return nil
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
		return &all[0]
	}
	return all
}
