package nodewire

import (
	"math"
	"strconv"

	"hipflask/server/internal/cluster/jsonval"
	"hipflask/server/internal/packet"
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
	w := jsonWriter{dst: append(dst, '{')}
	if r.UID != "" {
		w.text("uid", r.UID)
	}
	if r.RequestID != "" {
		w.text("requestId", r.RequestID)
	}
	w.number("type", int(r.Type))
	if r.HasTarget {
		w.key("opts")
		w.dst = append(w.dst, '{')
		w.texts("rooms", r.Target.Rooms)
		w.texts("except", r.Target.Except)
		w.end('}')
	} else if r.SID != "" {
		w.text("sid", r.SID)
		if r.Room != "" {
			w.text("room", r.Room)
		}
	}
	switch r.Type {
	case RemoteJoin, RemoteLeave, Sockets:
		if r.Rooms != nil {
			w.texts("rooms", r.Rooms)
		}
	case RemoteDisconnect:
		w.key("close")
		w.dst = append(strconv.AppendBool(w.dst, r.Close), ',')
	case ServerSideEmit:
		w.event(r.Event, r.Args)
	}
	return w.finish(dst)
}

func (r *Request) appendMsgpack(dst []byte) ([]byte, error) {
	w := writer{dst: dst}
	w.object(5)
	w.text("uid")
	w.text(r.UID)
	w.text("requestId")
	w.text(r.RequestID)
	w.text("type")
	w.integer(int64(r.Type))
	w.text("packet")
	if err := w.packet(r.Namespace, r.Event, r.Args); err != nil {
		return dst, err
	}
	w.text("opts")
	w.options(r.Target, r.Flags)
	return w.dst, nil
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
	w := jsonWriter{dst: append(dst, '{')}
	if r.Type != NoType {
		w.number("type", int(r.Type))
	}
	w.text("requestId", r.RequestID)
	if r.UID != "" {
		w.text("uid", r.UID)
	}
	switch r.Type {
	case ServerSideEmit:
		w.value("data", r.Data)
	case BroadcastClientCount:
		w.number("clientCount", r.ClientCount)
	}
	if r.SocketIDs != nil && len(r.Sockets) == 0 {
		w.texts("sockets", r.SocketIDs)
	} else if r.Sockets != nil {
		w.sockets(r.Sockets)
	}
	if r.Rooms != nil {
		w.texts("rooms", r.Rooms)
	}
	return w.finish(dst)
}

func (r *Response) appendMsgpack(dst []byte) ([]byte, error) {
	w := writer{dst: dst}
	fields := 3
	if r.Client != "" {
		fields = 5
	}
	w.object(fields)
	w.text("type")
	w.integer(int64(r.Type))
	w.text("requestId")
	w.text(r.RequestID)
	w.text("packet")
	if err := w.value(r.Data); err != nil {
		return dst, err
	}
	if r.Client == "" {
		return w.dst, nil
	}
	w.text("client")
	w.text(r.Client)
	w.text("args")
	w.array(len(r.Args))
	for _, v := range r.Args {
		if err := w.value(v); err != nil {
			return dst, err
		}
	}
	return w.dst, nil
}

// jsonWriter appends JSON. What takes a name writes a member; behind everything
// comes a comma, which end takes away.
type jsonWriter struct {
	dst []byte
	err error
}

// end closes what is open.
func (w *jsonWriter) end(bracket byte) {
	if last := len(w.dst) - 1; w.dst[last] == ',' {
		w.dst = w.dst[:last]
	}
	w.dst = append(w.dst, bracket, ',')
}

func (w *jsonWriter) finish(dst []byte) ([]byte, error) {
	if w.err != nil {
		return dst, w.err
	}
	w.end('}')
	return w.dst[:len(w.dst)-1], nil
}

// key writes a name, which needs no escapes.
func (w *jsonWriter) key(name string) {
	w.dst = append(append(append(w.dst, '"'), name...), `":`...)
}

func (w *jsonWriter) text(name, value string) {
	w.key(name)
	w.dst = append(packet.AppendText(w.dst, value), ',')
}

func (w *jsonWriter) number(name string, n int) {
	w.key(name)
	w.dst = append(strconv.AppendInt(w.dst, int64(n), 10), ',')
}

func (w *jsonWriter) texts(name string, all []string) {
	w.key(name)
	w.dst = append(w.dst, '[')
	for _, s := range all {
		w.dst = append(packet.AppendText(w.dst, s), ',')
	}
	w.end(']')
}

func (w *jsonWriter) event(name string, args []packet.Value) {
	w.key("data")
	w.dst = append(packet.AppendText(append(w.dst, '['), name), ',')
	for _, arg := range args {
		w.append(arg)
	}
	w.end(']')
}

func (w *jsonWriter) sockets(sockets []Socket) {
	w.key("sockets")
	w.dst = append(w.dst, '[')
	for i := range sockets {
		s := &sockets[i]
		w.dst = append(w.dst, '{')
		w.text("id", s.ID)
		w.value("handshake", s.Handshake)
		w.texts("rooms", s.Rooms)
		w.value("data", s.Data)
		if s.Transport != "" {
			w.text("transport", s.Transport)
		}
		w.end('}')
	}
	w.end(']')
}

func (w *jsonWriter) value(name string, v packet.Value) {
	w.key(name)
	w.append(v)
}

// append writes a value in which attachments stand as JSON.stringify writes a
// Buffer.
func (w *jsonWriter) append(v packet.Value) {
	b := jsonval.NewBuilder(jsonval.Limits{
		MaxBytes: math.MaxInt, MaxValues: math.MaxInt, MaxDepth: jsonval.DepthCeiling,
	}, len(v.JSON))
	err := v.Walk(buffers{b})
	values, failed := b.Values()
	switch {
	case err != nil:
		w.err = malformed("an invalid value: " + err.Error())
	case failed != nil:
		w.err = failed
	default:
		w.dst = append(append(w.dst, values[0].JSON...), ',')
	}
}

// buffers copies a value, with {"type":"Buffer","data":[...]} for attachments.
type buffers struct{ *jsonval.Builder }

func (b buffers) Number(text []byte) { b.Raw(string(text)) }
func (b buffers) EndArray(int)       { b.Builder.EndArray() }
func (b buffers) EndObject(int)      { b.Builder.EndObject() }

func (b buffers) Binary(data []byte) {
	text := append(make([]byte, 0, 32+4*len(data)), `{"type":"Buffer","data":[`...)
	for i, c := range data {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendUint(text, uint64(c), 10)
	}
	b.Raw(string(append(text, "]}"...)))
}
