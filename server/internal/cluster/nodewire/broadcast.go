package nodewire

import (
	"time"

	"github.com/tinylib/msgp/msgp"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
	"hipflask/server/internal/packet/msgpack"
)

// The packet types of socket.io-parser that a broadcast may have. Old emitters
// write the second where there is binary.
const (
	typeEvent       = "2"
	typeBinaryEvent = "5"
)

// DecodeBroadcast reads what comes on a broadcast channel. An error is always
// a *jsonval.Error. What is decoded shares no memory with data.
func DecodeBroadcast(data []byte, limits jsonval.Limits) (Broadcast, error) {
	if max := limits.Bytes(); len(data) > max {
		return Broadcast{}, &jsonval.Error{Limit: jsonval.LimitBytes, Max: max}
	}
	var b Broadcast
	r := reader{msgpack.NewReader(data, prefix), limits}
	if err := r.broadcast(&b); err != nil {
		return Broadcast{}, err
	}
	return b, nil
}

// broadcast reads [uid, packet, options].
func (r *reader) broadcast(b *Broadcast) error {
	n, err := r.Array()
	if err != nil {
		return err
	}
	if n != 3 {
		return malformed("a broadcast is an array of three")
	}
	if b.UID, err = r.Text(); err != nil {
		return err
	}
	if err := r.packet(b); err != nil {
		return err
	}
	if err := r.options(b); err != nil {
		return err
	}
	if r.Left() > 0 {
		return malformed("bytes after the broadcast")
	}
	return nil
}

// packet reads {type, data: [event, ...args], nsp}.
func (r *reader) packet(b *Broadcast) error {
	b.Namespace = "/"
	typ, hasData := "", false
	err := r.Object(func(key []byte) (err error) {
		switch string(key) {
		case "type":
			typ, err = r.Text()
		case "nsp":
			if r.Next() == msgp.NilType {
				return r.Skip()
			}
			b.Namespace, err = r.Text()
		case "data":
			hasData = true
			err = r.event(b)
		default:
			err = r.Skip()
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case typ != typeEvent && typ != typeBinaryEvent:
		return malformed("a broadcast that is no event")
	case !hasData:
		return malformed("a broadcast without data")
	}
	return nil
}

// event reads [event, ...args].
func (r *reader) event(b *Broadcast) error {
	n, err := r.Array()
	if err != nil {
		return err
	}
	if n == 0 {
		return malformed("an event without a name")
	}
	if max := r.limits.Args(); n-1 > max {
		return &jsonval.Error{Limit: jsonval.LimitArgs, Max: max}
	}
	if b.Event, err = r.Text(); err != nil {
		return err
	}
	// Room for a usual message; what is binary takes none of it.
	build := jsonval.NewBuilder(r.limits, min(r.Left(), 1024))
	for range n - 1 {
		if err := r.Value(build); err != nil {
			return err
		}
	}
	b.Args, err = build.Values()
	return err
}

// options reads {rooms, except, flags}.
func (r *reader) options(b *Broadcast) error {
	return r.Object(func(key []byte) (err error) {
		switch string(key) {
		case "rooms":
			b.Target.Rooms, err = r.texts()
		case "except":
			b.Target.Except, err = r.texts()
		case "flags":
			err = r.flags(&b.Flags)
		default:
			err = r.Skip()
		}
		return err
	})
}

func (r *reader) texts() ([]string, error) {
	if r.Next() == msgp.NilType {
		return nil, r.Skip()
	}
	n, err := r.Array()
	if err != nil || n == 0 {
		return nil, err
	}
	if max := r.limits.Values(); n > max {
		return nil, &jsonval.Error{Limit: jsonval.LimitValues, Max: max}
	}
	all := make([]string, n)
	for i := range all {
		if all[i], err = r.Text(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// flags reads the flags that are known, where they have the right type.
func (r *reader) flags(f *Flags) error {
	if r.Next() == msgp.NilType {
		return r.Skip()
	}
	return r.Object(func(key []byte) error {
		switch typ := r.Next(); {
		case typ == msgp.BoolType:
			v, err := r.Bool()
			f.set(string(key), v)
			return err
		case string(key) == "timeout" && (typ == msgp.IntType || typ == msgp.UintType):
			ms, err := r.Int()
			f.Timeout = milliseconds(ms)
			return err
		}
		return r.Skip()
	})
}

func (f *Flags) set(key string, v bool) {
	switch key {
	case "volatile":
		f.Volatile = v
	case "local":
		f.Local = v
	case "broadcast":
		f.Broadcast = v
	case "compress":
		f.Compress = &v
	}
}

// milliseconds bounds what comes to what a JavaScript timer takes.
func milliseconds(n int64) time.Duration {
	const most = 1<<31 - 1
	return time.Duration(min(max(n, 0), most)) * time.Millisecond
}

// AppendBroadcast appends the message to dst. After an error dst is returned as
// it was given. An error is always a *jsonval.Error.
func AppendBroadcast(dst []byte, b *Broadcast) ([]byte, error) {
	w := writer{msgpack.NewWriter(dst, prefix)}
	w.Array(3)
	w.Text(b.UID)
	if err := w.packet(b.Namespace, b.Event, b.Args); err != nil {
		return dst, err
	}
	w.options(b.Target, b.Flags)
	return w.Bytes(), nil
}

func (w *writer) packet(namespace, event string, args []packet.Value) error {
	w.Object(3)
	w.Text("type")
	w.Integer(packetEvent)
	w.Text("data")
	w.Array(1 + len(args))
	w.Text(event)
	for _, arg := range args {
		if err := w.Value(arg); err != nil {
			return err
		}
	}
	w.Text("nsp")
	w.Text(orRoot(namespace))
	return nil
}

func (w *writer) options(t Target, f Flags) {
	w.Object(3)
	w.Text("rooms")
	w.Texts(t.Rooms)
	w.Text("except")
	w.Texts(t.Except)
	w.Text("flags")
	n := 0
	for _, set := range []bool{f.Volatile, f.Local, f.Broadcast, f.Compress != nil, f.Timeout > 0} {
		if set {
			n++
		}
	}
	w.Object(n)
	w.flag("volatile", f.Volatile)
	w.flag("local", f.Local)
	w.flag("broadcast", f.Broadcast)
	if f.Compress != nil {
		w.Text("compress")
		w.Bool(*f.Compress)
	}
	if f.Timeout > 0 {
		w.Text("timeout")
		w.Integer(f.Timeout.Milliseconds())
	}
}

func (w *writer) flag(name string, set bool) {
	if set {
		w.Text(name)
		w.Bool(true)
	}
}
