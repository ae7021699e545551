package packet

// Assemble makes a packet of what another wire form than text holds, by the rules that a Decoder
// has for its text. data is the payload, or the array of the arguments with the event's name first;
// nil is none. The id counts where hasID says so. An error is always an *Error. The packet shares
// data's memory.
func (l Limits) Assemble(t Type, namespace string, id uint64, hasID bool, data *Value) (*Packet, error) {
	p, err := l.assemble(header{typ: t, attachments: -1, id: id, hasID: hasID}, namespace, data)
	if err != nil {
		err.Connect = t == Connect
		return nil, err
	}
	return p, nil
}

func (l Limits) assemble(h header, namespace string, data *Value) (*Packet, *Error) {
	rest, err := h.readNamespace(append([]byte(namespace), ','))
	arguments := h.typ == Event || h.typ == Ack
	switch {
	case err != nil:
		return nil, err
	case len(rest) > 0 || namespace != "" && namespace[0] != '/':
		return nil, malformed("not a namespace")
	case h.typ < Connect || h.typ > ConnectError:
		return nil, malformed("unknown packet type")
	case h.hasID && h.id > MaxID:
		return nil, malformed("packet id beyond 2^53-1")
	case data == nil || !arguments && data.IsNull(): // as Python's client says that there is none
		return h.packet(l)
	case len(data.Attachments) > 0 && !arguments:
		return nil, malformed("attachment in a payload")
	}
	h.json = data.JSON
	if len(data.Attachments) == 0 {
		return h.packet(l)
	}
	h.attachments = len(data.Attachments)
	p, err := h.packet(l)
	if err == nil {
		p.attach(data.Attachments)
	}
	return p, err
}
