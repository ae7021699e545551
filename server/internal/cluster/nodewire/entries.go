package nodewire

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"hipflask/server/internal/cluster/jsonval"
	"hipflask/server/internal/packet"
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
	w := jsonWriter{dst: append(make([]byte, 0, 128), '{')}
	w.key("packet")
	w.dst = append(w.dst, '{')
	w.number("type", packetEvent)
	w.event(b.Event, b.Args)
	w.end('}')
	w.options(b.Target, b.Flags)
	data, err := w.finish(nil)
	e.Data = string(data)
	return e, err
}

// packetEvent is the type of the packets in broadcasts: socket.io-parser's EVENT.
const packetEvent = 2

func (b *Broadcast) binaryEntry(e Entry) (Entry, error) {
	var w writer
	w.object(2)
	w.text("packet")
	if err := w.bare(b.Event, b.Args); err != nil {
		return e, err
	}
	w.text("opts")
	w.options(b.Target, b.Flags)
	e.Data = base64.StdEncoding.EncodeToString(w.dst)
	return e, nil
}

// bare writes {type, data: [event, ...args]}.
func (w *writer) bare(event string, args []packet.Value) error {
	w.object(2)
	w.text("type")
	w.integer(packetEvent)
	w.text("data")
	return w.event(event, args)
}

// event writes [event, ...args].
func (w *writer) event(event string, args []packet.Value) error {
	w.array(1 + len(args))
	w.text(event)
	for _, arg := range args {
		if err := w.value(arg); err != nil {
			return err
		}
	}
	return nil
}

// options writes what a selection of sockets is.
func (w *jsonWriter) options(t Target, f Flags) {
	w.key("opts")
	w.dst = append(w.dst, '{')
	w.texts("rooms", t.Rooms)
	w.texts("except", t.Except)
	w.key("flags")
	w.dst = append(w.dst, '{')
	if f.Volatile {
		w.key("volatile")
		w.dst = append(w.dst, "true,"...)
	}
	w.end('}')
	w.end('}')
}

var errNoTarget = errors.New("no target")

// RequestEntry is a RemoteJoin, RemoteLeave or RemoteDisconnect with a Target as an
// entry, for a namespace. An error is always a *jsonval.Error.
func RequestEntry(namespace string, r *Request) (Entry, error) {
	e := Entry{UID: r.UID, Namespace: namespace}
	if err := r.check(); err != nil || !r.HasTarget {
		return e, known("a request without opts", cmp.Or(err, errNoTarget))
	}
	w := jsonWriter{dst: []byte{'{'}}
	w.options(r.Target, r.Flags)
	switch r.Type {
	case RemoteJoin:
		e.Type = strconv.Itoa(kindJoin)
		w.texts("rooms", r.Rooms)
	case RemoteLeave:
		e.Type = strconv.Itoa(kindLeave)
		w.texts("rooms", r.Rooms)
	case RemoteDisconnect:
		e.Type = strconv.Itoa(kindDisconnect)
		w.key("close")
		w.dst = append(strconv.AppendBool(w.dst, r.Close), ',')
	default:
		return e, malformed("a request that has no place in a stream")
	}
	data, err := w.finish(nil)
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
