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

// appendPickle writes the message for python-socketio before 5.14. The arguments are a tuple, which
// leaves no doubt.
func appendPickle(dst []byte, m *Message) ([]byte, error) {
	v, err := packet.NewValue(m.parts())
	if err != nil {
		return dst, malformed(err.Error())
	}
	return pickle.Append(dst, v, "data", "args")
}
