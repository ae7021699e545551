package flaskqueue

import (
	"hipflask/server/internal/cluster/pickle"
	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
)

// readPickle reads a pickled dictionary, as JSON that Python would have made of it.
func readPickle(data []byte, limits jsonval.Limits) (fields, error) {
	o, err := pickle.Decode(data, limits)
	if err != nil {
		return fields{}, err
	}
	if o.Kind() != pickle.Dict {
		return fields{}, malformed("not a dictionary")
	}
	deeper := limits
	deeper.MaxDepth = limits.Depth() + envelope
	b := jsonval.NewBuilder(deeper, len(data))
	o.Build(b)
	values, err := b.Values()
	if err != nil {
		return fields{}, err
	}
	f, err := readFields(values[0])
	arguments, _ := o.Get("data")
	f.oneArgument = arguments.Kind() != pickle.Tuple
	return f, err
}

// appendPickle writes the message for python-socketio before 5.14. The
// arguments are a tuple, which leaves no doubt.
func appendPickle(dst []byte, m *Message) ([]byte, error) {
	w := pickle.NewWriter(dst)
	w.BeginDict()
	w.Entry("method", string(m.Method))
	switch m.Method {
	case Emit:
		w.Entry("event", m.Event)
		w.Str("data")
		pickleTuple(w, m.Args)
		w.Str("room")
		pickleTexts(w, m.Rooms)
		w.Str("skip_sid")
		pickleTexts(w, m.SkipSIDs)
		w.Str("callback")
		pickleRef(w, m.Callback)
	case Callback:
		w.Entry("sid", m.SID)
		w.Str("id")
		w.Uint(m.ID)
		w.Str("args")
		pickleTuple(w, m.Args)
	case CloseRoom:
		w.Entry("room", m.Room)
	case EnterRoom, LeaveRoom:
		w.Entry("sid", m.SID)
		w.Entry("room", m.Room)
	case Disconnect:
		w.Entry("sid", m.SID)
	}
	w.Entry("namespace", m.namespace())
	w.Entry("host_id", m.HostID)
	w.EndDict()
	return w.Bytes()
}

func pickleTuple(w *pickle.Writer, args []packet.Value) {
	w.BeginTuple()
	for _, arg := range args {
		w.Value(arg)
	}
	w.EndTuple()
}

// pickleTexts writes None, a str or a list, as python-socketio does.
func pickleTexts(w *pickle.Writer, all []string) {
	switch {
	case all == nil:
		w.None()
	case len(all) == 1:
		w.Str(all[0])
	default:
		w.BeginList()
		for _, s := range all {
			w.Str(s)
		}
		w.EndList()
	}
}

func pickleRef(w *pickle.Writer, ref *CallbackRef) {
	if ref == nil {
		w.None()
		return
	}
	w.BeginTuple()
	w.Str(ref.SID)
	w.Str(ref.Namespace)
	w.Uint(ref.ID)
	w.EndTuple()
}
