package nodewire

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
	"hipflask/server/internal/packet/msgpack"
)

// The numbers of what @socket.io/redis-streams-adapter writes: MessageType of
// socket.io-adapter.
const (
	kindBroadcast     = 3 // in the stream; with a request's id published
	kindJoin          = 4 // in the stream, as are 5 and 6
	kindLeave         = 5
	kindDisconnect    = 6
	kindFetch         = 7 // published, as are all that follow
	kindFetched       = 8
	kindServerEmit    = 9
	kindServerEmitted = 10
	kindClientCount   = 11
	kindAck           = 12
)

// Entry is one entry of the stream that @socket.io/redis-streams-adapter 0.3 writes and
// reads: its fields. Data is JSON, or msgpack in base64 where there is binary.
type Entry struct {
	UID, Namespace, Type, Data string
}

// The names of the fields.
const (
	fieldUID       = "uid"
	fieldNamespace = "nsp"
	fieldType      = "type"
	fieldData      = "data"
)

// Fields lists the entry as XADD takes it.
func (e *Entry) Fields() []string {
	return []string{fieldUID, e.UID, fieldNamespace, e.Namespace, fieldType, e.Type, fieldData, e.Data}
}

// EntryOf is the entry of these fields. Those that are missing are empty.
func EntryOf(fields map[string]any) Entry {
	text := func(name string) string { s, _ := fields[name].(string); return s }
	return Entry{UID: text(fieldUID), Namespace: text(fieldNamespace), Type: text(fieldType), Data: text(fieldData)}
}

// BroadcastEntry is a broadcast as an entry. An error is always a *jsonval.Error.
func BroadcastEntry(b *Broadcast) (Entry, error) {
	e := Entry{UID: b.UID, Namespace: b.Namespace, Type: strconv.Itoa(kindBroadcast)}
	for _, arg := range b.Args {
		if len(arg.Attachments) > 0 {
			return b.binaryEntry(e)
		}
	}
	var out broadcastJSON
	out.Packet.Type = packetEvent
	out.Packet.Data = append(make([]any, 0, 1+len(b.Args)), b.Event)
	for _, arg := range b.Args {
		out.Packet.Data = append(out.Packet.Data, arg)
	}
	out.Options = optionsOf(b.Target, b.Flags)
	data, err := appendJSON(nil, out)
	e.Data = string(data)
	return e, err
}

// broadcastJSON is the data of a broadcast as Node writes it.
type broadcastJSON struct {
	Packet struct {
		Type int   `json:"type"`
		Data []any `json:"data"`
	} `json:"packet"`
	Options optionsJSON `json:"opts"`
}

// optionsJSON is a selection of sockets.
type optionsJSON struct {
	Rooms  []string `json:"rooms"`
	Except []string `json:"except"`
	Flags  struct {
		Volatile bool `json:"volatile,omitempty"`
	} `json:"flags"`
}

func optionsOf(t Target, f Flags) optionsJSON {
	out := optionsJSON{Rooms: notNil(t.Rooms), Except: notNil(t.Except)}
	out.Flags.Volatile = f.Volatile
	return out
}

// moveJSON is the data of a join, a leave or a disconnect.
type moveJSON struct {
	Options optionsJSON `json:"opts"`
	Rooms   []string    `json:"rooms,omitzero"`
	Close   *bool       `json:"close,omitempty"`
}

// packetEvent is the type of the packets in broadcasts: socket.io-parser's EVENT.
const packetEvent = 2

func (b *Broadcast) binaryEntry(e Entry) (Entry, error) {
	w := writer{msgpack.NewWriter(nil, prefix)}
	w.Object(2)
	w.Text("packet")
	if err := w.bare(b.Event, b.Args); err != nil {
		return e, err
	}
	w.Text("opts")
	w.options(b.Target, b.Flags)
	e.Data = base64.StdEncoding.EncodeToString(w.Bytes())
	return e, nil
}

// bare writes {type, data: [event, ...args]}.
func (w *writer) bare(event string, args []packet.Value) error {
	w.Object(2)
	w.Text("type")
	w.Integer(packetEvent)
	w.Text("data")
	return w.event(event, args)
}

// event writes [event, ...args].
func (w *writer) event(event string, args []packet.Value) error {
	w.Array(1 + len(args))
	w.Text(event)
	for _, arg := range args {
		if err := w.Value(arg); err != nil {
			return err
		}
	}
	return nil
}

var errNoTarget = errors.New("no target")

// RequestEntry is a RemoteJoin, RemoteLeave or RemoteDisconnect with a Target as an
// entry, for a namespace. An error is always a *jsonval.Error.
func RequestEntry(namespace string, r *Request) (Entry, error) {
	e := Entry{UID: r.UID, Namespace: namespace}
	if err := r.check(); err != nil || !r.HasTarget {
		return e, known("a request without opts", cmp.Or(err, errNoTarget))
	}
	out := moveJSON{Options: optionsOf(r.Target, r.Flags)}
	switch r.Type {
	case RemoteJoin:
		e.Type, out.Rooms = strconv.Itoa(kindJoin), r.Rooms
	case RemoteLeave:
		e.Type, out.Rooms = strconv.Itoa(kindLeave), r.Rooms
	case RemoteDisconnect:
		e.Type, out.Close = strconv.Itoa(kindDisconnect), &r.Close
	default:
		return e, malformed("a request that has no place in a stream")
	}
	data, err := appendJSON(nil, out)
	e.Data = string(data)
	return e, err
}

// Decode reads the entry: as a broadcast, or else as a RemoteJoin, RemoteLeave or
// RemoteDisconnect. An error is always a *jsonval.Error.
func (e *Entry) Decode(limits jsonval.Limits) (*Broadcast, *Request, error) {
	r := Request{UID: e.UID, Namespace: e.Namespace}
	switch kind, _ := strconv.Atoi(e.Type); kind {
	case kindBroadcast:
		r.Type = BroadcastWithAck // the request of the same parts
	case kindJoin:
		r.Type = RemoteJoin
	case kindLeave:
		r.Type = RemoteLeave
	case kindDisconnect:
		r.Type = RemoteDisconnect
	default:
		return nil, nil, malformed("an entry of unknown type")
	}
	v, err := e.value(limits)
	if err != nil {
		return nil, nil, err
	}
	if err := r.readData(v, limits); err != nil {
		return nil, nil, err
	}
	if r.Type != BroadcastWithAck {
		if err := r.check(); err != nil {
			return nil, nil, err
		}
		return nil, &r, nil
	}
	if r.RequestID != "" || r.Event == "" && r.Args == nil {
		return nil, nil, malformed("a broadcast that wants answers, or has no event")
	}
	return &Broadcast{UID: e.UID, Namespace: e.Namespace, Event: r.Event, Args: r.Args, Target: r.Target, Flags: r.Flags}, nil, nil
}

// value is what the entry's data is.
func (e *Entry) value(limits jsonval.Limits) (packet.Value, error) {
	if strings.HasPrefix(e.Data, "{") {
		if max := limits.Bytes(); len(e.Data) > max {
			return packet.Value{}, &jsonval.Error{Limit: jsonval.LimitBytes, Max: max}
		}
		v, err := packet.Parse([]byte(e.Data), limits.Depth()+envelope)
		return v, known("an entry whose data is no JSON", err)
	}
	if max := base64.StdEncoding.EncodedLen(limits.Bytes()); len(e.Data) > max {
		return packet.Value{}, &jsonval.Error{Limit: jsonval.LimitBytes, Max: limits.Bytes()}
	}
	data, err := base64.StdEncoding.DecodeString(e.Data)
	if err != nil || bytes.HasPrefix(data, []byte("{")) {
		return packet.Value{}, malformed("an entry whose data is neither JSON nor base64")
	}
	return parse(data, limits)
}

// readData reads the data of an entry, or of a published request, whose type is known.
// The request has the namespace that came around the data.
func (r *Request) readData(data packet.Value, limits jsonval.Limits) error {
	d := decoder{limits: limits}
	return members("data", data, func(key string, v packet.Value) error {
		switch key {
		case "packet":
			if r.Type == ServerSideEmit {
				return d.event(v, &r.Event, &r.Args)
			}
			namespace := r.Namespace
			err := r.packet(v, &d)
			r.Namespace = namespace
			return err
		case "requestId", "opts", "rooms", "close":
			return r.field(key, v, &d)
		}
		return nil
	})
}
