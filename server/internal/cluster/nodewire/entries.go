package nodewire

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
)

// The numbers of what @socket.io/redis-streams-adapter writes: MessageType of socket.io-adapter.
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

// Entry is one entry of the stream that @socket.io/redis-streams-adapter 0.3 writes and reads: its
// fields. Data is JSON, or msgpack in base64 where there is binary.
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

// BroadcastEntry is a broadcast as an entry.
func BroadcastEntry(b *Broadcast) (Entry, error) {
	e := Entry{UID: b.UID, Namespace: b.Namespace, Type: strconv.Itoa(kindBroadcast)}
	out := broadcastJSON{packetOf(b.Event, b.Args), optionsOf(b.Target, b.Flags)}
	if !slices.ContainsFunc(b.Args, func(arg packet.Value) bool { return len(arg.Attachments) > 0 }) {
		data, err := appendJSON(nil, out)
		e.Data = string(data)
		return e, err
	}
	data, err := appendMsgpack(nil, out)
	e.Data = base64.StdEncoding.EncodeToString(data)
	return e, err
}

// broadcastJSON is the data of a broadcast as Node writes it.
type broadcastJSON struct {
	Packet  *packetJSON  `json:"packet"`
	Options *optionsJSON `json:"opts"`
}

// RequestEntry is a RemoteJoin, RemoteLeave or RemoteDisconnect with a Target as an entry, for a
// namespace.
func RequestEntry(namespace string, r *Request) (Entry, error) {
	e := Entry{UID: r.UID, Namespace: namespace}
	if err := r.check(); err != nil {
		return e, err
	}
	if !r.HasTarget {
		return e, malformed("a request without opts")
	}
	out := dataJSON{Options: optionsOf(r.Target, r.Flags)}
	switch r.Type {
	case RemoteJoin:
		e.Type, out.Rooms = strconv.Itoa(kindJoin), r.Rooms
	case RemoteLeave:
		e.Type, out.Rooms = strconv.Itoa(kindLeave), r.Rooms
	case RemoteDisconnect:
		e.Type, out.Close = strconv.Itoa(kindDisconnect), &r.Close
	default:
		return e, malformed("a request that does not belong in a stream")
	}
	data, err := appendJSON(nil, out)
	e.Data = string(data)
	return e, err
}

// Decode reads the entry: as a broadcast, or else as a RemoteJoin, RemoteLeave or RemoteDisconnect.
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
			return packet.Value{}, &packet.Error{Limit: packet.LimitBytes, Max: max}
		}
		return packet.Parse([]byte(e.Data), limits.Depth()+envelope)
	}
	return parseBase64(e.Data, "an entry whose data is neither JSON nor base64", limits)
}

// parseBase64 reads a value in msgpack. otherwise is what is wrong with what is none.
func parseBase64(text, otherwise string, limits jsonval.Limits) (packet.Value, error) {
	if max := base64.StdEncoding.EncodedLen(limits.Bytes()); len(text) > max {
		return packet.Value{}, &packet.Error{Limit: packet.LimitBytes, Max: limits.Bytes()}
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil || bytes.HasPrefix(data, []byte("{")) {
		return packet.Value{}, malformed(otherwise)
	}
	return parse(data, limits)
}

// readData reads the data of an entry, or of a published request, whose type is known. The request
// has the namespace that came around the data.
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
