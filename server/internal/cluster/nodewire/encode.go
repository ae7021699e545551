package nodewire

import (
	"slices"
	"strconv"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/msgpack"
)

// AppendRequest appends the request to dst: BroadcastWithAck in msgpack, all
// others in JSON, where an attachment is written as Node writes a Buffer. After
// an error dst is returned as it was given. An error is always a *jsonval.Error.
func AppendRequest(dst []byte, r *Request) ([]byte, error) {
	if err := r.check(); err != nil {
		return dst, err
	}
	if r.Type == BroadcastWithAck {
		return r.appendMsgpack(dst)
	}
	out := requestJSON{UID: r.UID, RequestID: r.RequestID, Type: r.Type}
	if r.HasTarget {
		out.Options = &targetJSON{notNil(r.Target.Rooms), notNil(r.Target.Except)}
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

// requestJSON is a Request as Node writes it.
type requestJSON struct {
	UID       string      `json:"uid,omitempty"`
	RequestID string      `json:"requestId,omitempty"`
	Type      RequestType `json:"type"`
	Options   *targetJSON `json:"opts,omitempty"`
	SID       string      `json:"sid,omitempty"`
	Room      string      `json:"room,omitempty"`
	Rooms     []string    `json:"rooms,omitzero"`
	Close     *bool       `json:"close,omitempty"`
	Data      []any       `json:"data,omitempty"`
}

type targetJSON struct {
	Rooms  []string `json:"rooms"`
	Except []string `json:"except"`
}

// notNil returns the list, empty where null would be written.
func notNil(all []string) []string { return append([]string{}, all...) }

func (r *Request) appendMsgpack(dst []byte) ([]byte, error) {
	w := writer{msgpack.NewWriter(dst, prefix)}
	w.Object(5)
	w.Text("uid")
	w.Text(r.UID)
	w.Text("requestId")
	w.Text(r.RequestID)
	w.Text("type")
	w.Integer(int64(r.Type))
	w.Text("packet")
	if err := w.packet(r.Namespace, r.Event, r.Args); err != nil {
		return dst, err
	}
	w.Text("opts")
	w.options(r.Target, r.Flags)
	return w.Bytes(), nil
}

// AppendResponse appends the response to dst: BroadcastAck in msgpack, all
// others in JSON. Lists that are nil are left out; Node ignores an answer that
// lacks the list it waits for. After an error dst is returned as it was given.
// An error is always a *jsonval.Error.
func AppendResponse(dst []byte, r *Response) ([]byte, error) {
	if r.RequestID == "" {
		return dst, malformed("a response without requestId")
	}
	if r.Type == BroadcastAck {
		return r.appendMsgpack(dst)
	}
	out := responseJSON{RequestID: r.RequestID, UID: r.UID, Rooms: r.Rooms}
	if r.Type != NoType {
		out.Type = &r.Type
	}
	switch r.Type {
	case ServerSideEmit:
		out.Data = (*buffers)(&r.Data)
	case BroadcastClientCount:
		out.ClientCount = &r.ClientCount
	}
	if r.SocketIDs != nil && len(r.Sockets) == 0 {
		out.Sockets = r.SocketIDs
	} else if r.Sockets != nil {
		sockets := make([]socketJSON, len(r.Sockets))
		for i, s := range r.Sockets {
			sockets[i] = socketJSON{s.ID, buffers(s.Handshake), notNil(s.Rooms), buffers(s.Data), s.Transport}
		}
		out.Sockets = sockets
	}
	return appendJSON(dst, out)
}

// responseJSON is a Response as Node writes it.
type responseJSON struct {
	Type        *RequestType `json:"type,omitempty"`
	RequestID   string       `json:"requestId"`
	UID         string       `json:"uid,omitempty"`
	Data        *buffers     `json:"data,omitempty"`
	ClientCount *int         `json:"clientCount,omitempty"`
	Sockets     any          `json:"sockets,omitempty"`
	Rooms       []string     `json:"rooms,omitzero"`
}

type socketJSON struct {
	ID        string   `json:"id"`
	Handshake buffers  `json:"handshake"`
	Rooms     []string `json:"rooms"`
	Data      buffers  `json:"data"`
	Transport string   `json:"transport,omitempty"`
}

func (r *Response) appendMsgpack(dst []byte) ([]byte, error) {
	w := writer{msgpack.NewWriter(dst, prefix)}
	fields := 3
	if r.Client != "" {
		fields = 5
	}
	w.Object(fields)
	w.Text("type")
	w.Integer(int64(r.Type))
	w.Text("requestId")
	w.Text(r.RequestID)
	w.Text("packet")
	if err := w.Value(r.Data); err != nil {
		return dst, err
	}
	if r.Client == "" {
		return w.Bytes(), nil
	}
	w.Text("client")
	w.Text(r.Client)
	w.Text("args")
	w.Array(len(r.Args))
	for _, v := range r.Args {
		if err := w.Value(v); err != nil {
			return dst, err
		}
	}
	return w.Bytes(), nil
}

func appendJSON(dst []byte, v any) ([]byte, error) {
	out, _, err := packet.AppendJSON(dst, v)
	if err != nil {
		return dst, malformed("an invalid value: " + err.Error())
	}
	return out, nil
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
