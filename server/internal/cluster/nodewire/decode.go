package nodewire

import (
	"bytes"
	"strconv"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
	"hipflask/server/internal/packet/msgpack"
)

// envelope is how many levels of a message stand around a value, at most.
const envelope = 3

// parse reads a request or response, which is JSON if it begins with a brace, otherwise msgpack, as
// a value.
func parse(data []byte, limits jsonval.Limits) (packet.Value, error) {
	if max := limits.Bytes(); len(data) > max {
		return packet.Value{}, &packet.Error{Limit: packet.LimitBytes, Max: max}
	}
	limits.MaxDepth = limits.Depth() + envelope
	if len(data) > 0 && data[0] == '{' {
		return packet.Parse(bytes.Clone(data), limits.MaxDepth)
	}
	r := reader{msgpack.NewReader(data, prefix), limits}
	b := jsonval.NewBuilder(limits, len(data))
	r.Value(b)
	if r.Left() > 0 {
		r.Malformed("bytes after the message")
	}
	values, _ := b.Values() // its error is the reader's
	if err := r.Err(); err != nil {
		return packet.Value{}, err
	}
	return values[0], nil
}

// members calls f with each member of an object that is not null.
func members(what string, v packet.Value, f func(key string, v packet.Value) error) error {
	if !begins(v, '{') {
		return malformed(what + " is not an object")
	}
	return v.Members(func(key string, v packet.Value) error {
		if v.IsNull() {
			return nil
		}
		return f(key, v)
	})
}

// begins reports whether a value that has been parsed begins with this bracket.
func begins(v packet.Value, bracket byte) bool { return len(v.JSON) > 0 && v.JSON[0] == bracket }

// decoder reads the parts of one message that has been parsed.
type decoder struct {
	limits jsonval.Limits
	listed int // elements of lists so far
}

// elements calls f with each element of a list. What is made of an element takes more memory than
// its text, so the number in a message is bounded.
func (d *decoder) elements(what string, v packet.Value, f func(packet.Value) error) error {
	if !begins(v, '[') {
		return malformed(what + " is not a list")
	}
	return v.Elements(func(e packet.Value) error {
		if max := d.limits.Values(); d.listed == max {
			return &packet.Error{Limit: jsonval.LimitValues, Max: max}
		}
		d.listed++
		return f(e)
	})
}

// text reads a string, or a number that is an integer as its decimal.
func text(what string, v packet.Value, into *string) error {
	if s, ok := v.Text(); ok {
		*into = s
		return nil
	}
	if n, err := strconv.ParseInt(string(v.JSON), 10, 64); err == nil {
		*into = strconv.FormatInt(n, 10)
		return nil
	}
	return malformed(what + " is not a string")
}

// texts reads a list of strings, which is never nil afterwards.
func (d *decoder) texts(what string, v packet.Value, into *[]string) error {
	all := []string{}
	err := d.elements(what, v, func(e packet.Value) error {
		all = append(all, "")
		return text("what is in "+what, e, &all[len(all)-1])
	})
	*into = all
	return err
}

func number(what string, v packet.Value, into *int) error {
	n, err := strconv.Atoi(string(v.JSON))
	if err != nil {
		return malformed(what + " is not an integer")
	}
	*into = n
	return nil
}

// event reads [name, ...args]. Its arguments are never nil afterwards.
func (d *decoder) event(v packet.Value, name *string, args *[]packet.Value) error {
	all, n := []packet.Value{}, 0
	err := d.elements("data", v, func(e packet.Value) error {
		if n++; n == 1 {
			return text("the event's name", e, name)
		}
		return d.arg(e, &all)
	})
	if err == nil && n == 0 {
		err = malformed("an event without a name")
	}
	*args = all
	return err
}

// arg adds an argument to those before it.
func (d *decoder) arg(v packet.Value, all *[]packet.Value) error {
	if max := d.limits.Args(); len(*all) == max {
		return &packet.Error{Limit: packet.LimitArgs, Max: max}
	}
	*all = append(*all, v)
	return nil
}

// What a request may have of what its answers repeat, and of what it makes: an answer to each
// client, a room for each client and name.
const (
	maxID = 256 // bytes of the sender's and the request's
	// maxClients is more than a server can have.
	maxClients = 1 << 30
	// MaxRooms is how many rooms a request may join or leave. [Request.Rooms] of more go into
	// several.
	MaxRooms = 1000
)

// DecodeResponse reads what comes on a response channel.
func DecodeResponse(data []byte, limits jsonval.Limits) (Response, error) {
	v, err := parse(data, limits)
	if err != nil {
		return Response{}, err
	}
	d := decoder{limits: limits}
	r := Response{Type: NoType}
	if err := members("the response", v, func(key string, v packet.Value) error { return r.field(key, v, &d) }); err != nil {
		return Response{}, err
	}
	if r.RequestID == "" {
		return Response{}, malformed("a response without requestId")
	}
	return r, nil
}

func (r *Response) field(key string, v packet.Value, d *decoder) error {
	switch key {
	case "type":
		return number(key, v, (*int)(&r.Type))
	case "requestId":
		return text(key, v, &r.RequestID)
	case "uid":
		return text(key, v, &r.UID)
	case "rooms":
		return d.texts(key, v, &r.Rooms)
	case "client":
		return text(key, v, &r.Client)
	case "args":
		r.Args = []packet.Value{}
		return d.elements(key, v, func(e packet.Value) error { return d.arg(e, &r.Args) })
	case "clientCount":
		if err := number(key, v, &r.ClientCount); err != nil || r.ClientCount < 0 || r.ClientCount > maxClients {
			return malformed("clientCount is not an integer that counts clients")
		}
	case "data", "packet":
		r.Data = v
	case "sockets":
		r.SocketIDs, r.Sockets = []string{}, []Socket{}
		return d.elements(key, v, func(v packet.Value) error {
			if id, ok := v.Text(); ok {
				r.SocketIDs = append(r.SocketIDs, id)
				return nil
			}
			r.Sockets = append(r.Sockets, Socket{})
			s := &r.Sockets[len(r.Sockets)-1]
			return members("a socket", v, func(key string, v packet.Value) error { return s.field(key, v, d) })
		})
	}
	return nil
}

func (s *Socket) field(key string, v packet.Value, d *decoder) error {
	switch key {
	case "id":
		return text(key, v, &s.ID)
	case "handshake":
		s.Handshake = v
	case "rooms":
		return d.texts(key, v, &s.Rooms)
	case "data":
		s.Data = v
	case "transport":
		return text(key, v, &s.Transport)
	}
	return nil
}
