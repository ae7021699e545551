package nodewire

import (
	"cmp"
	"slices"
	"strconv"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/msgpack"
)

// AppendRequest appends the request to dst: BroadcastWithAck in msgpack, all others in JSON, where
// an attachment is written as Node writes a Buffer.
func AppendRequest(dst []byte, r *Request) ([]byte, error) {
	if err := r.check(); err != nil {
		return dst, err
	}
	out := requestJSON{UID: r.UID, RequestID: r.RequestID, Type: r.Type}
	if r.Type == BroadcastWithAck {
		out.Packet, out.Options = packetOf(r.Event, r.Args), optionsOf(r.Target, r.Flags)
		out.Packet.Namespace = cmp.Or(r.Namespace, "/")
		return appendMsgpack(dst, out)
	}
	if r.HasTarget {
		out.Options = &optionsJSON{Rooms: notNil(r.Target.Rooms), Except: notNil(r.Target.Except)}
	} else if out.SID = r.SID; r.SID != "" {
		out.Room = r.Room
	}
	switch r.Type {
	case RemoteJoin, RemoteLeave, Sockets:
		out.Rooms = r.Rooms
	case RemoteDisconnect:
		out.Close = &r.Close
	case ServerSideEmit:
		out.Data = append(out.Data, r.Event)
		for _, arg := range r.Args {
			out.Data = append(out.Data, buffers(arg))
		}
	}
	return appendJSON(dst, out)
}

// AppendResponse appends the response to dst: BroadcastAck in msgpack, all others in JSON. Lists
// that are nil are left out; Node ignores an answer that lacks the list it waits for.
func AppendResponse(dst []byte, r *Response) ([]byte, error) {
	if r.RequestID == "" {
		return dst, malformed("a response without requestId")
	}
	out := responseJSON{RequestID: r.RequestID, UID: r.UID, Rooms: r.Rooms}
	if r.Type != NoType {
		out.Type = &r.Type
	}
	switch r.Type {
	case BroadcastAck:
		out = responseJSON{Type: &r.Type, RequestID: r.RequestID, ackJSON: ackOf(r)}
		return appendMsgpack(dst, out)
	case ServerSideEmit:
		out.Data = (*buffers)(&r.Data)
	case BroadcastClientCount:
		out.ClientCount = &r.ClientCount
	}
	if r.SocketIDs != nil && len(r.Sockets) == 0 {
		out.Sockets = r.SocketIDs
	} else if r.Sockets != nil {
		out.Sockets = socketsOf(r.Sockets, func(v packet.Value) any { return buffers(v) })
	}
	return appendJSON(dst, out)
}

// The messages as Node writes them, in JSON or with the same members in msgpack.

type requestJSON struct {
	UID       string       `json:"uid,omitempty"`
	RequestID string       `json:"requestId,omitempty"`
	Type      RequestType  `json:"type"`
	Packet    *packetJSON  `json:"packet,omitempty"`
	Options   *optionsJSON `json:"opts,omitempty"`
	SID       string       `json:"sid,omitempty"`
	Room      string       `json:"room,omitempty"`
	Rooms     []string     `json:"rooms,omitzero"`
	Close     *bool        `json:"close,omitempty"`
	Data      []any        `json:"data,omitempty"`
}

type responseJSON struct {
	Type        *RequestType `json:"type,omitempty"`
	RequestID   string       `json:"requestId"`
	UID         string       `json:"uid,omitempty"`
	Data        *buffers     `json:"data,omitempty"`
	ClientCount *int         `json:"clientCount,omitempty"`
	Sockets     any          `json:"sockets,omitempty"`
	Rooms       []string     `json:"rooms,omitzero"`
	ackJSON
}

// ackJSON is what a client acknowledges; between Hipflask servers also who it is, and all
// arguments.
type ackJSON struct {
	Packet any            `json:"packet,omitempty"`
	Client string         `json:"client,omitempty"`
	Args   []packet.Value `json:"args,omitzero"`
}

func ackOf(r *Response) ackJSON {
	if r.Client == "" {
		return ackJSON{Packet: r.Data}
	}
	return ackJSON{r.Data, r.Client, notNil(r.Args)}
}

type packetJSON struct {
	Type      int    `json:"type"`
	Data      []any  `json:"data"` // the event's name, then its arguments
	Namespace string `json:"nsp,omitempty"`
}

// packetEvent is the type of the packets in broadcasts: socket.io-parser's EVENT.
const packetEvent = 2

func packetOf(event string, args []packet.Value) *packetJSON {
	return &packetJSON{Type: packetEvent, Data: eventOf(event, args)}
}

func eventOf(event string, args []packet.Value) []any {
	data := append(make([]any, 0, 1+len(args)), event)
	for _, arg := range args {
		data = append(data, arg)
	}
	return data
}

// optionsJSON is a selection of sockets.
type optionsJSON struct {
	Rooms  []string   `json:"rooms"`
	Except []string   `json:"except"`
	Flags  *flagsJSON `json:"flags,omitempty"`
}

type flagsJSON struct {
	Volatile  bool  `json:"volatile,omitempty"`
	Local     bool  `json:"local,omitempty"`
	Broadcast bool  `json:"broadcast,omitempty"`
	Compress  *bool `json:"compress,omitempty"`
	Timeout   int64 `json:"timeout,omitempty"` // milliseconds
}

func optionsOf(t Target, f Flags) *optionsJSON {
	flags := flagsJSON{f.Volatile, f.Local, f.Broadcast, f.Compress, max(f.Timeout.Milliseconds(), 0)}
	return &optionsJSON{notNil(t.Rooms), notNil(t.Except), &flags}
}

type socketJSON struct {
	ID        string   `json:"id"`
	Handshake any      `json:"handshake"`
	Rooms     []string `json:"rooms"`
	Data      any      `json:"data"`
	Transport string   `json:"transport,omitempty"`
}

// socketsOf lists sockets, whose values are written as value has them.
func socketsOf(sockets []Socket, value func(packet.Value) any) []socketJSON {
	out := make([]socketJSON, len(sockets))
	for i, s := range sockets {
		out[i] = socketJSON{s.ID, value(s.Handshake), notNil(s.Rooms), value(s.Data), s.Transport}
	}
	return out
}

// notNil returns the list, empty where null would be written.
func notNil[T any](all []T) []T { return append([]T{}, all...) }

func appendJSON(dst []byte, v any) ([]byte, error) {
	out, _, err := packet.AppendJSON(dst, v)
	if err != nil {
		return dst, malformed("an invalid value: " + err.Error())
	}
	return out, nil
}

// appendMsgpack appends what appendJSON would, with attachments as binary.
func appendMsgpack(dst []byte, v any) ([]byte, error) {
	value, err := packet.NewValue(v)
	if err != nil {
		return dst, malformed("an invalid value: " + err.Error())
	}
	w := msgpack.NewWriter(dst, prefix)
	if err := w.Value(value); err != nil {
		return dst, err
	}
	return w.Bytes(), nil
}

// buffers is a value in which attachments stand as JSON.stringify writes a Buffer:
// {"type":"Buffer","data":[...]}.
type buffers packet.Value

// MarshalJSON writes the value.
func (b buffers) MarshalJSON() ([]byte, error) { return packet.Value(b).Splice(nil, appendBuffer) }

func appendBuffer(dst, data []byte) []byte {
	dst = append(slices.Grow(dst, 32+4*len(data)), `{"type":"Buffer","data":[`...)
	for i, c := range data {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(dst, uint64(c), 10)
	}
	return append(dst, "]}"...)
}
