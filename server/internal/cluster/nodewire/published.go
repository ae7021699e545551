package nodewire

import (
	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
	"hipflask/server/internal/packet/msgpack"
)

// What @socket.io/redis-streams-adapter publishes beside its stream is a map in msgpack:
// {type, data, uid, nsp}.

// Published is a message of that form: one of Request and Response is not nil.
type Published struct {
	UID, Namespace string
	Request        *Request
	Response       *Response
}

// AppendPublishedRequest appends a RemoteFetch, ServerSideEmit or BroadcastWithAck for a
// namespace. After an error dst is returned as it was given. An error is always a
// *jsonval.Error.
func AppendPublishedRequest(dst []byte, namespace string, r *Request) ([]byte, error) {
	if err := r.check(); err != nil {
		return dst, err
	}
	w := writer{msgpack.NewWriter(dst, prefix)}
	w.Object(4)
	w.Text(fieldType)
	switch r.Type {
	case RemoteFetch:
		w.Integer(kindFetch)
	case ServerSideEmit:
		w.Integer(kindServerEmit)
	case BroadcastWithAck:
		w.Integer(kindBroadcast)
	default:
		return dst, malformed("a request that belongs into the stream")
	}
	w.Text(fieldData)
	if err := w.requestData(r); err != nil {
		return dst, err
	}
	w.sender(r.UID, namespace)
	return w.Bytes(), nil
}

func (w *writer) requestData(r *Request) error {
	fields := 0
	for _, has := range []bool{r.RequestID != "", r.HasTarget, r.Type != RemoteFetch} {
		if has {
			fields++
		}
	}
	w.Object(fields)
	if r.RequestID != "" {
		w.Text("requestId")
		w.Text(r.RequestID)
	}
	if r.HasTarget {
		w.Text("opts")
		w.options(r.Target, r.Flags)
	}
	if r.Type == RemoteFetch {
		return nil
	}
	w.Text("packet")
	if r.Type == ServerSideEmit {
		return w.event(r.Event, r.Args)
	}
	return w.bare(r.Event, r.Args)
}

// sender writes who says it, and to which namespace.
func (w *writer) sender(uid, namespace string) {
	w.Text(fieldUID)
	w.Text(uid)
	w.Text(fieldNamespace)
	w.Text(namespace)
}

// AppendPublishedResponse appends an answer. After an error dst is returned as it was
// given. An error is always a *jsonval.Error.
func AppendPublishedResponse(dst []byte, uid, namespace string, r *Response) ([]byte, error) {
	if r.RequestID == "" {
		return dst, malformed("a response without requestId")
	}
	w := writer{msgpack.NewWriter(dst, prefix)}
	w.Object(4)
	w.Text(fieldType)
	var err error
	switch r.Type {
	case BroadcastClientCount:
		w.Integer(kindClientCount)
		w.answer(2, r.RequestID, "clientCount")
		w.Integer(int64(r.ClientCount))
	case BroadcastAck:
		w.Integer(kindAck)
		err = w.ack(r)
	case ServerSideEmit:
		w.Integer(kindServerEmitted)
		w.answer(2, r.RequestID, "packet")
		err = w.Value(r.Data)
	default:
		w.Integer(kindFetched)
		w.answer(2, r.RequestID, "sockets")
		err = w.sockets(r.Sockets)
	}
	if err != nil {
		return dst, err
	}
	w.sender(uid, namespace)
	return w.Bytes(), nil
}

// answer begins the data of a response, up to the value of its second field.
func (w *writer) answer(fields int, requestID, second string) {
	w.Text(fieldData)
	w.Object(fields)
	w.Text("requestId")
	w.Text(requestID)
	w.Text(second)
}

// ack writes what a client acknowledges; between Hipflask servers also who it is, and all
// arguments.
func (w *writer) ack(r *Response) error {
	if r.Client == "" {
		w.answer(2, r.RequestID, "packet")
		return w.Value(r.Data)
	}
	w.answer(4, r.RequestID, "packet")
	if err := w.Value(r.Data); err != nil {
		return err
	}
	w.Text("client")
	w.Text(r.Client)
	w.Text("args")
	w.Array(len(r.Args))
	for _, v := range r.Args {
		if err := w.Value(v); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) sockets(sockets []Socket) error {
	w.Array(len(sockets))
	for i := range sockets {
		s := &sockets[i]
		w.Object(4)
		w.Text("id")
		w.Text(s.ID)
		w.Text("handshake")
		if err := w.Value(s.Handshake); err != nil {
			return err
		}
		w.Text("rooms")
		w.Texts(s.Rooms)
		w.Text("data")
		if err := w.Value(s.Data); err != nil {
			return err
		}
	}
	return nil
}

// DecodePublished reads what comes on a namespace's channel, or on that of one server's
// answers. An error is always a *jsonval.Error. What is decoded shares no memory with
// data.
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
