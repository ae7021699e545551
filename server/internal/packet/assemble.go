package packet

// Assemble makes a packet of what another wire form than text holds, by the rules that a
// Decoder has for its text. data is the payload, or the array of the arguments with the
// event's name first; nil is none. The id counts where hasID says so. An error is always an
// *Error.
func (l Limits) Assemble(t Type, namespace string, id uint64, hasID bool, data *Value) (*Packet, error) {
	f, err := l.assemble(t, namespace, id, hasID, data)
	if err != nil {
		err.Connect = t == Connect
		return nil, err
	}
	return &f.Packet, nil
}

func (l Limits) assemble(t Type, namespace string, id uint64, hasID bool, data *Value) (*frame, *Error) {
	h := header{typ: t}
	if rest, err := h.readNamespace(append([]byte(namespace), ',')); err != nil {
		return nil, err
	} else if len(rest) > 0 || namespace != "" && namespace[0] != '/' {
		return nil, malformed("not a namespace")
	}
	f := &frame{Packet: Packet{Type: t, Namespace: h.namespace, Query: h.query, ID: id, HasID: hasID}}
	arguments := t == Event || t == Ack
	switch {
	case t < Connect || t > ConnectError:
		return nil, malformed("unknown packet type")
	case hasID && id > MaxID:
		return nil, malformed("packet id beyond 2^53-1")
	case hasID && !arguments:
		return nil, malformed("id on a packet that has none")
	case t == Ack && !hasID:
		return nil, malformed("acknowledgement without an id")
	case arguments:
		return f, f.assembleArgs(data, l)
	case data == nil || data.IsNull(): // as Python's client says that there is none
		return f, nil
	case len(data.Attachments) > 0:
		return nil, malformed("attachment in a payload")
	}
	return f, f.readData(data.JSON, l)
}

func (f *frame) assembleArgs(data *Value, l Limits) *Error {
	if data == nil {
		return malformed("arguments are not an array")
	}
	f.Args = f.room[:0]
	named := f.Type == Ack
	err := data.Elements(func(v Value) error {
		switch text, ok := v.Text(); {
		case named && len(f.Args) == l.args():
			return overLimit(LimitArgs, l.args())
		case named:
			f.Args = append(f.Args, v)
		case !ok:
			return malformed("event name missing or not a string")
		case Reserved(text):
			return malformed("reserved event name")
		default:
			f.Event, named = text, true
		}
		return nil
	})
	if err != nil {
		return err.(*Error) // Elements has no others
	}
	if !named {
		return malformed("event name missing or not a string")
	}
	return nil
}
