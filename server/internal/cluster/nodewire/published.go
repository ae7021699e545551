package nodewire

import (
	"hipflask/server/internal/cluster/jsonval"
	"hipflask/server/internal/packet"
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
	w := writer{dst: dst}
	w.object(4)
	w.text(fieldType)
	switch r.Type {
	case RemoteFetch:
		w.integer(kindFetch)
	case ServerSideEmit:
		w.integer(kindServerEmit)
	case BroadcastWithAck:
		w.integer(kindBroadcast)
	default:
		return dst, malformed("a request that belongs into the stream")
	}
	w.text(fieldData)
	if err := w.requestData(r); err != nil {
		return dst, err
	}
	w.sender(r.UID, namespace)
	return w.dst, nil
}

func (w *writer) requestData(r *Request) error {
	fields := 0
	for _, has := range []bool{r.RequestID != "", r.HasTarget, r.Type != RemoteFetch} {
		if has {
			fields++
		}
	}
	w.object(fields)
	if r.RequestID != "" {
		w.text("requestId")
		w.text(r.RequestID)
	}
	if r.HasTarget {
		w.text("opts")
		w.options(r.Target, r.Flags)
	}
	if r.Type == RemoteFetch {
		return nil
	}
	w.text("packet")
	if r.Type == ServerSideEmit {
		return w.event(r.Event, r.Args)
	}
	return w.bare(r.Event, r.Args)
}

// sender writes who says it, and to which namespace.
func (w *writer) sender(uid, namespace string) {
	w.text(fieldUID)
	w.text(uid)
	w.text(fieldNamespace)
	w.text(namespace)
}

// AppendPublishedResponse appends an answer. After an error dst is returned as it was
// given. An error is always a *jsonval.Error.
func AppendPublishedResponse(dst []byte, uid, namespace string, r *Response) ([]byte, error) {
	if r.RequestID == "" {
		return dst, malformed("a response without requestId")
	}
	w := writer{dst: dst}
	w.object(4)
	w.text(fieldType)
	var err error
	switch r.Type {
	case BroadcastClientCount:
		w.integer(kindClientCount)
		w.answer(2, r.RequestID, "clientCount")
		w.integer(int64(r.ClientCount))
	case BroadcastAck:
		w.integer(kindAck)
		err = w.ack(r)
	case ServerSideEmit:
		w.integer(kindServerEmitted)
		w.answer(2, r.RequestID, "packet")
		err = w.value(r.Data)
	default:
		w.integer(kindFetched)
		w.answer(2, r.RequestID, "sockets")
		err = w.sockets(r.Sockets)
	}
	if err != nil {
		return dst, err
	}
	w.sender(uid, namespace)
	return w.dst, nil
}

// answer begins the data of a response, up to the value of its second field.
func (w *writer) answer(fields int, requestID, second string) {
	w.text(fieldData)
	w.object(fields)
	w.text("requestId")
	w.text(requestID)
	w.text(second)
}

// ack writes what a client acknowledges; between Hipflask servers also who it is, and all
// arguments.
func (w *writer) ack(r *Response) error {
	if r.Client == "" {
		w.answer(2, r.RequestID, "packet")
		return w.value(r.Data)
	}
	w.answer(4, r.RequestID, "packet")
	if err := w.value(r.Data); err != nil {
		return err
	}
	w.text("client")
	w.text(r.Client)
	w.text("args")
	w.array(len(r.Args))
	for _, v := range r.Args {
		if err := w.value(v); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) sockets(sockets []Socket) error {
	w.array(len(sockets))
	for i := range sockets {
		s := &sockets[i]
		w.object(4)
		w.text("id")
		w.text(s.ID)
		w.text("handshake")
		if err := w.value(s.Handshake); err != nil {
			return err
		}
		w.text("rooms")
		w.texts(s.Rooms)
		w.text("data")
		if err := w.value(s.Data); err != nil {
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
