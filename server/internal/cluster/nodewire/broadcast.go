package nodewire

import (
	"time"

	"github.com/tinylib/msgp/msgp"

	"hipflask/server/internal/cluster/jsonval"
	"hipflask/server/internal/packet"
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
	r := reader{data: data, limits: limits}
	if err := r.broadcast(&b); err != nil {
		return Broadcast{}, err
	}
	return b, nil
}

// broadcast reads [uid, packet, options].
func (r *reader) broadcast(b *Broadcast) error {
	n, err := r.array()
	if err != nil {
		return err
	}
	if n != 3 {
		return malformed("a broadcast is an array of three")
	}
	if b.UID, err = r.text(); err != nil {
		return err
	}
	if err := r.packet(b); err != nil {
		return err
	}
	if err := r.options(b); err != nil {
		return err
	}
	if len(r.data) > 0 {
		return malformed("bytes after the broadcast")
	}
	return nil
}

// packet reads {type, data: [event, ...args], nsp}.
func (r *reader) packet(b *Broadcast) error {
	b.Namespace = "/"
	typ, hasData := "", false
	err := r.object(func(key []byte) (err error) {
		switch string(key) {
		case "type":
			typ, err = r.text()
		case "nsp":
			if r.next() == msgp.NilType {
				return r.skip()
			}
			b.Namespace, err = r.text()
		case "data":
			hasData = true
			err = r.event(b)
		default:
			err = r.skip()
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
	n, err := r.array()
	if err != nil {
		return err
	}
	if n == 0 {
		return malformed("an event without a name")
	}
	if max := r.limits.Args(); n-1 > max {
		return &jsonval.Error{Limit: jsonval.LimitArgs, Max: max}
	}
	if b.Event, err = r.text(); err != nil {
		return err
	}
	// Room for a usual message; what is binary takes none of it.
	build := jsonval.NewBuilder(r.limits, min(len(r.data), 1024))
	for range n - 1 {
		if err := r.value(build); err != nil {
			return err
		}
	}
	b.Args, err = build.Values()
	return err
}

// options reads {rooms, except, flags}.
func (r *reader) options(b *Broadcast) error {
	return r.object(func(key []byte) (err error) {
		switch string(key) {
		case "rooms":
			b.Target.Rooms, err = r.texts()
		case "except":
			b.Target.Except, err = r.texts()
		case "flags":
			err = r.flags(&b.Flags)
		default:
			err = r.skip()
		}
		return err
	})
}

func (r *reader) texts() ([]string, error) {
	if r.next() == msgp.NilType {
		return nil, r.skip()
	}
	n, err := r.array()
	if err != nil || n == 0 {
		return nil, err
	}
	if max := r.limits.Values(); n > max {
		return nil, &jsonval.Error{Limit: jsonval.LimitValues, Max: max}
	}
	all := make([]string, n)
	for i := range all {
		if all[i], err = r.text(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// flags reads the flags that are known, where they have the right type.
func (r *reader) flags(f *Flags) error {
	if r.next() == msgp.NilType {
		return r.skip()
	}
	return r.object(func(key []byte) error {
		switch typ := r.next(); {
		case typ == msgp.BoolType:
			v, rest, err := msgp.ReadBoolBytes(r.data)
			f.set(string(key), v)
			return r.took(rest, err)
		case string(key) == "timeout" && (typ == msgp.IntType || typ == msgp.UintType):
			ms, rest, err := msgp.ReadInt64Bytes(r.data)
			f.Timeout = milliseconds(ms)
			return r.took(rest, err)
		}
		return r.skip()
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
	w := writer{dst: dst}
	w.array(3)
	w.text(b.UID)
	if err := w.packet(b.Namespace, b.Event, b.Args); err != nil {
		return dst, err
	}
	w.options(b.Target, b.Flags)
	return w.dst, nil
}

func (w *writer) packet(namespace, event string, args []packet.Value) error {
	if namespace == "" {
		namespace = "/"
	}
	w.object(3)
	w.text("type")
	w.integer(2)
	w.text("data")
	w.array(1 + len(args))
	w.text(event)
	for _, arg := range args {
		if err := w.value(arg); err != nil {
			return err
		}
	}
	w.text("nsp")
	w.text(namespace)
	return nil
}

func (w *writer) options(t Target, f Flags) {
	w.object(3)
	w.text("rooms")
	w.texts(t.Rooms)
	w.text("except")
	w.texts(t.Except)
	w.text("flags")
	n := 0
	for _, set := range []bool{f.Volatile, f.Local, f.Broadcast, f.Compress != nil, f.Timeout > 0} {
		if set {
			n++
		}
	}
	w.object(n)
	w.flag("volatile", f.Volatile)
	w.flag("local", f.Local)
	w.flag("broadcast", f.Broadcast)
	if f.Compress != nil {
		w.text("compress")
		w.dst = msgp.AppendBool(w.dst, *f.Compress)
	}
	if f.Timeout > 0 {
		w.text("timeout")
		w.integer(f.Timeout.Milliseconds())
	}
}

func (w *writer) flag(name string, set bool) {
	if set {
		w.text(name)
		w.dst = msgp.AppendBool(w.dst, true)
	}
}
