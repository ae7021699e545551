package nodewire

import (
	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
)

// What @socket.io/redis-streams-adapter publishes beside its stream is a map in msgpack: {type,
// data, uid, nsp}.

// Published is a message of that form: one of Request and Response is not nil.
type Published struct {
	UID, Namespace string
	Request        *Request
	Response       *Response
}

// dataJSON is the data of such a message, and of a join, a leave or a disconnect in the stream.
type dataJSON struct {
	RequestID   string       `json:"requestId,omitempty"`
	Options     *optionsJSON `json:"opts,omitempty"`
	Rooms       []string     `json:"rooms,omitzero"`
	Close       *bool        `json:"close,omitempty"`
	ClientCount *int         `json:"clientCount,omitempty"`
	Sockets     []socketJSON `json:"sockets,omitzero"`
	ackJSON
}

type publishedJSON struct {
	Type      int      `json:"type"`
	Data      dataJSON `json:"data"`
	UID       string   `json:"uid"`
	Namespace string   `json:"nsp"`
}

// AppendPublishedRequest appends a RemoteFetch, ServerSideEmit or BroadcastWithAck for a namespace.
func AppendPublishedRequest(dst []byte, namespace string, r *Request) ([]byte, error) {
	if err := r.check(); err != nil {
		return dst, err
	}
	out := publishedJSON{Data: dataJSON{RequestID: r.RequestID}, UID: r.UID, Namespace: namespace}
	if r.HasTarget {
		out.Data.Options = optionsOf(r.Target, r.Flags)
	}
	switch r.Type {
	case RemoteFetch:
		out.Type = kindFetch
	case ServerSideEmit:
		out.Type, out.Data.Packet = kindServerEmit, eventOf(r.Event, r.Args)
	case BroadcastWithAck:
		out.Type, out.Data.Packet = kindBroadcast, packetOf(r.Event, r.Args)
	default:
		return dst, malformed("a request that belongs into the stream")
	}
	return appendMsgpack(dst, out)
}

// AppendPublishedResponse appends an answer.
func AppendPublishedResponse(dst []byte, uid, namespace string, r *Response) ([]byte, error) {
	if r.RequestID == "" {
		return dst, malformed("a response without requestId")
	}
	out := publishedJSON{Data: dataJSON{RequestID: r.RequestID}, UID: uid, Namespace: namespace}
	switch r.Type {
	case BroadcastClientCount:
		out.Type, out.Data.ClientCount = kindClientCount, &r.ClientCount
	case BroadcastAck:
		out.Type, out.Data.ackJSON = kindAck, ackOf(r)
	case ServerSideEmit:
		out.Type, out.Data.Packet = kindServerEmitted, r.Data
	default:
		out.Type, out.Data.Sockets = kindFetched, socketsOf(r.Sockets, func(v packet.Value) any { return v })
	}
	return appendMsgpack(dst, out)
}

// DecodePublished reads what comes on a namespace's channel, or on that of one server's answers.
func DecodePublished(data []byte, limits jsonval.Limits) (Published, error) {
	deeper := limits
	deeper.MaxDepth = limits.Depth() + 1
	v, err := parse(data, deeper)
	if err != nil {
		return Published{}, err
	}
	var m Published
	var body packet.Value
	kind := 0
	err = members("the message", v, func(key string, v packet.Value) error {
		switch key {
		case fieldType:
			return number(key, v, &kind)
		case fieldUID:
			return text(key, v, &m.UID)
		case fieldNamespace:
			return text(key, v, &m.Namespace)
		case fieldData:
			body = v
		}
		return nil
	})
	if err == nil {
		err = m.read(kind, body, limits)
	}
	if err != nil {
		return Published{}, err
	}
	return m, nil
}

func (m *Published) read(kind int, body packet.Value, limits jsonval.Limits) error {
	request, response := NoType, NoType
	switch kind {
	case kindFetch:
		request = RemoteFetch
	case kindServerEmit:
		request = ServerSideEmit
	case kindBroadcast:
		request = BroadcastWithAck
	case kindFetched:
		response = RemoteFetch
	case kindServerEmitted:
		response = ServerSideEmit
	case kindClientCount:
		response = BroadcastClientCount
	case kindAck:
		response = BroadcastAck
	default:
		return malformed("a message of unknown type")
	}
	if request == NoType {
		m.Response = &Response{Type: response}
		return m.Response.readData(body, limits)
	}
	m.Request = &Request{Type: request, UID: m.UID, Namespace: m.Namespace}
	if err := m.Request.readData(body, limits); err != nil {
		return err
	}
	if m.Request.Args == nil && request != RemoteFetch {
		return malformed("a request without its event")
	}
	return m.Request.check()
}

func (r *Response) readData(body packet.Value, limits jsonval.Limits) error {
	d := decoder{limits: limits}
	err := members("data", body, func(key string, v packet.Value) error {
		switch key {
		case "requestId", "sockets", "clientCount", "packet", "client", "args":
			return r.field(key, v, &d)
		}
		return nil
	})
	if err == nil && r.RequestID == "" {
		err = malformed("a response without requestId")
	}
	return err
}
