package nodewire

import (
	"strconv"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
)

// DecodeRequest reads what comes on a request channel.
func DecodeRequest(data []byte, limits jsonval.Limits) (Request, error) {
	v, err := parse(data, limits)
	if err != nil {
		return Request{}, err
	}
	d := decoder{limits: limits}
	r := Request{Type: NoType, Namespace: "/"}
	hasEvent := false
	err = members("the request", v, func(key string, v packet.Value) error {
		hasEvent = hasEvent || key == "data" || key == "packet"
		return r.field(key, v, &d)
	})
	if err == nil {
		err = r.check()
	}
	if err == nil && !hasEvent && (r.Type == ServerSideEmit || r.Type == BroadcastWithAck) {
		err = malformed("a request without its event")
	}
	if err != nil {
		return Request{}, err
	}
	return r, nil
}

func (r *Request) field(key string, v packet.Value, d *decoder) error {
	switch key {
	case "type":
		return number(key, v, (*int)(&r.Type))
	case "uid":
		return text(key, v, &r.UID)
	case "requestId":
		return text(key, v, &r.RequestID)
	case "opts":
		r.HasTarget = true
		return r.options(v, d)
	case "rooms":
		return d.texts(key, v, &r.Rooms)
	case "sid":
		return text(key, v, &r.SID)
	case "room":
		return text(key, v, &r.Room)
	case "close":
		r.Close = string(v.JSON) == "true"
	case "data":
		return d.event(v, &r.Event, &r.Args)
	case "packet":
		return r.packet(v, d)
	}
	return nil
}

// packet reads {type, data: [event, ...args], nsp}.
func (r *Request) packet(v packet.Value, d *decoder) error {
	typ, hasData := "", false
	err := members("packet", v, func(key string, v packet.Value) error {
		switch key {
		case "type":
			return text(key, v, &typ)
		case "nsp":
			return text(key, v, &r.Namespace)
		case "data":
			hasData = true
			return d.event(v, &r.Event, &r.Args)
		}
		return nil
	})
	if err == nil && (!hasData || typ != typeEvent && typ != typeBinaryEvent) {
		err = malformed("a packet that is no event")
	}
	return err
}

func (r *Request) options(v packet.Value, d *decoder) error {
	return members("opts", v, func(key string, v packet.Value) error {
		switch key {
		case "rooms":
			return d.texts(key, v, &r.Target.Rooms)
		case "except":
			return d.texts(key, v, &r.Target.Except)
		case "flags":
			return members(key, v, r.Flags.field)
		}
		return nil
	})
}

func (f *Flags) field(key string, v packet.Value) error {
	switch text := string(v.JSON); {
	case text == "true" || text == "false":
		f.set(key, text == "true")
	case key == "timeout":
		if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
			f.Timeout = milliseconds(ms)
		}
	}
	return nil
}

// check refuses a request that lacks what it cannot be carried out without, or that asks for too
// much.
func (r *Request) check() error {
	lacks := ""
	if len(r.UID) > maxID || len(r.RequestID) > maxID {
		return malformed("a request whose uid or requestId is too long")
	}
	if len(r.Rooms) > MaxRooms && (r.Type == RemoteJoin || r.Type == RemoteLeave) {
		return &packet.Error{Limit: "rooms to join or leave", Max: MaxRooms}
	}
	switch r.Type {
	case Sockets, AllRooms:
		if r.RequestID == "" {
			lacks = "requestId"
		}
	case RemoteFetch, BroadcastWithAck:
		if r.RequestID == "" || !r.HasTarget {
			lacks = "requestId or opts"
		}
	case RemoteJoin, RemoteLeave:
		if r.HasTarget && r.Rooms == nil || !r.HasTarget && (r.SID == "" || r.Room == "") {
			lacks = "opts or rooms"
		}
	case RemoteDisconnect:
		if !r.HasTarget && r.SID == "" {
			lacks = "opts"
		}
	case ServerSideEmit:
	case NoType:
		lacks = "type"
	default:
		return malformed("unknown request type " + strconv.Itoa(int(r.Type)))
	}
	if lacks != "" {
		return malformed("a request without " + lacks)
	}
	return nil
}
