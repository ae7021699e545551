package nodewire

import (
	"cmp"
	"time"

	"github.com/tinylib/msgp/msgp"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
	"hipflask/server/internal/packet/msgpack"
)

// The packet types of socket.io-parser that a broadcast may have. Old emitters write the second
// where there is binary.
const (
	typeEvent       = "2"
	typeBinaryEvent = "5"
)

// DecodeBroadcast reads what comes on a broadcast channel.
func DecodeBroadcast(data []byte, limits jsonval.Limits) (Broadcast, error) {
	if max := limits.Bytes(); len(data) > max {
		return Broadcast{}, &packet.Error{Limit: packet.LimitBytes, Max: max}
	}
	var b Broadcast
	r := reader{msgpack.NewReader(data, prefix), limits}
	r.broadcast(&b)
	if err := r.Err(); err != nil {
		return Broadcast{}, err
	}
	return b, nil
}

// broadcast reads [uid, packet, options].
func (r *reader) broadcast(b *Broadcast) {
	if r.Array() != 3 {
		r.Malformed("a broadcast is an array of three")
	}
	b.UID = r.Text()
	r.packet(b)
	r.Object(func(key []byte) {
		switch string(key) {
		case "rooms":
			b.Target.Rooms = r.texts()
		case "except":
			b.Target.Except = r.texts()
		case "flags":
			r.flags(&b.Flags)
		default:
			r.Skip()
		}
	})
	if r.Left() > 0 {
		r.Malformed("bytes after the broadcast")
	}
}

// packet reads {type, data: [event, ...args], nsp}.
func (r *reader) packet(b *Broadcast) {
	b.Namespace = "/"
	typ, hasData := "", false
	r.Object(func(key []byte) {
		switch string(key) {
		case "type":
			typ = r.Text()
		case "nsp":
			if r.Next() == msgp.NilType {
				r.Skip()
			} else {
				b.Namespace = r.Text()
			}
		case "data":
			hasData = true
			r.event(b)
		default:
			r.Skip()
		}
	})
	switch {
	case typ != typeEvent && typ != typeBinaryEvent:
		r.Malformed("a broadcast that is no event")
	case !hasData:
		r.Malformed("a broadcast without data")
	}
}

// event reads [event, ...args].
func (r *reader) event(b *Broadcast) {
	n := r.Array()
	switch max := r.limits.Args(); {
	case n == 0:
		r.Malformed("an event without a name")
		return
	case n-1 > max:
		r.Fail(&packet.Error{Limit: packet.LimitArgs, Max: max})
	}
	b.Event = r.Text()
	// Room for a usual message; what is binary takes none of it.
	build := jsonval.NewBuilder(r.limits, min(r.Left(), 1024))
	for i := 1; i < n && r.Err() == nil; i++ {
		r.Value(build)
	}
	b.Args, _ = build.Values() // its error is the reader's
}

func (r *reader) texts() []string {
	if r.Next() == msgp.NilType {
		r.Skip()
		return nil
	}
	n := r.Array()
	if max := r.limits.Values(); n > max {
		r.Fail(&packet.Error{Limit: jsonval.LimitValues, Max: max})
	}
	var all []string
	for i := 0; i < n && r.Err() == nil; i++ {
		all = append(all, r.Text())
	}
	return all
}

// flags reads the flags that are known, where they have the right type.
func (r *reader) flags(f *Flags) {
	if r.Next() == msgp.NilType {
		r.Skip()
		return
	}
	r.Object(func(key []byte) {
		switch typ := r.Next(); {
		case typ == msgp.BoolType:
			f.set(string(key), r.Bool())
		case string(key) == "timeout" && (typ == msgp.IntType || typ == msgp.UintType):
			f.Timeout = milliseconds(r.Int())
		default:
			r.Skip()
		}
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

// AppendBroadcast appends the message to dst.
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
	w.Text(cmp.Or(namespace, "/"))
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
