package flaskqueue

import (
	"strconv"

	"hipflask/server/internal/cluster/pickle"
	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
)

// pickled is a message that came as a pickled dictionary.
type pickled struct{ pickle.Object }

func readPickle(data []byte, limits jsonval.Limits) (fields, error) {
	o, err := pickle.Decode(data, limits)
	if err != nil {
		return nil, err
	}
	if o.Kind() != pickle.Dict {
		return nil, malformed("not a dictionary")
	}
	return pickled{o}, nil
}

func (p pickled) get(name string) (node, bool) {
	o, ok := p.Get(name)
	return pickledNode{o}, ok
}

func (p pickled) args(name string, limits jsonval.Limits) ([]packet.Value, error) {
	o, ok := p.Get(name)
	if !ok {
		return nil, malformed("field " + name + " is missing")
	}
	var args []pickle.Object
	switch kind := o.Kind(); {
	case kind == pickle.None:
	case kind == pickle.Tuple || kind == pickle.List && name == "args":
		args = o.Items()
	default:
		args = []pickle.Object{o}
	}
	if max := limits.Args(); len(args) > max {
		return nil, &jsonval.Error{Limit: jsonval.LimitArgs, Max: max}
	}
	b := jsonval.NewBuilder(limits, 64)
	for _, arg := range args {
		arg.Build(b)
	}
	return b.Values()
}

type pickledNode struct{ o pickle.Object }

func (n pickledNode) isNull() bool { return n.o.Kind() == pickle.None }

func (n pickledNode) text() (string, bool) {
	if i, ok := n.o.Int(); ok {
		return strconv.FormatInt(i, 10), true
	}
	return n.o.Text()
}

func (n pickledNode) uint() (uint64, bool) { return n.o.Uint() }

func (n pickledNode) list(max int) []node {
	items := n.o.Items()
	if k := n.o.Kind(); k != pickle.List && k != pickle.Tuple || len(items) > max {
		return nil
	}
	nodes := make([]node, len(items))
	for i, item := range items {
		nodes[i] = pickledNode{item}
	}
	return nodes
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
