package nodewire

import (
	"encoding/base64"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
	"hipflask/server/internal/packet/msgpack"
)

// Session is a session of recovery as @socket.io/redis-streams-adapter keeps it in Redis: base64 of
// {sid, pid, rooms, data} in msgpack. Node reads what it knows of it and writes the rest no more.
type Session struct {
	Server  string // whose it is, ServerDigits long; empty for one of Node's
	ID, PID string
	Rooms   []string     // that the client is in
	Data    packet.Value // an object, or null

	Own *OwnSession // what Hipflask keeps beside; nil for one of Node's
}

// OwnSession is what Hipflask knows of a client beside what Node does. Positions are ids of
// entries.
type OwnSession struct {
	Namespace    string
	Since, Known string       // positions
	Stays        []Stay       // in rooms, those that are over too
	Values       packet.Value // an object, or null
}

// Stay is a client's time in a room. To is empty while that lasts.
type Stay struct{ Room, From, To string }

const (
	// ServerDigits is how long a server's name in a session is: with it, the name ends where base64
	// has a whole number of bytes, so that Redis can compare and replace it.
	ServerDigits = 21

	sessionFields  = 6
	ownField       = "hipflask"
	ownVersion     = 1
	sessionHeadLen = 12 // of the text, before the server's name
)

// SessionStart is how the text of every session begins that is this server's, and head how those of
// all Hipflask servers do. The name is ServerDigits long.
func SessionStart(server string) (start, head string) {
	w := writer{msgpack.NewWriter(nil, prefix)}
	w.sessionStart(server)
	start = base64.StdEncoding.EncodeToString(w.Bytes())
	return start, start[:sessionHeadLen]
}

func (w *writer) sessionStart(server string) {
	w.Object(sessionFields)
	w.Text("server")
	w.Text(server)
}

// Encode writes a session of Hipflask's, which has an Own.
func (s *Session) Encode() (string, error) {
	w := writer{msgpack.NewWriter(nil, prefix)}
	w.sessionStart(s.Server)
	w.Text("sid")
	w.Text(s.ID)
	w.Text("pid")
	w.Text(s.PID)
	w.Text("rooms")
	w.Texts(s.Rooms)
	w.Text("data")
	if err := w.object(s.Data); err != nil {
		return "", err
	}
	w.Text(ownField)
	w.Object(6)
	w.Text("v")
	w.Integer(ownVersion)
	w.Text("nsp")
	w.Text(s.Own.Namespace)
	w.Text("since")
	w.Text(s.Own.Since)
	w.Text("known")
	w.Text(s.Own.Known)
	w.Text("stays")
	w.Array(len(s.Own.Stays))
	for _, stay := range s.Own.Stays {
		w.Texts([]string{stay.Room, stay.From, stay.To})
	}
	w.Text("values")
	if err := w.object(s.Own.Values); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(w.Bytes()), nil
}

// object writes a value, an empty object for null.
func (w *writer) object(v packet.Value) error {
	if v.IsNull() {
		w.Object(0)
		return nil
	}
	return w.Value(v)
}

// DecodeSession reads a session.
func DecodeSession(text string, limits jsonval.Limits) (*Session, error) {
	v, err := parseBase64(text, "a session that is no msgpack in base64", limits)
	if err != nil {
		return nil, err
	}
	s := new(Session)
	d := decoder{limits: limits}
	if err := members("a session", v, func(key string, v packet.Value) error { return s.field(key, v, &d) }); err != nil {
		return nil, err
	}
	switch {
	case s.ID == "" || s.PID == "" || len(s.ID) > maxID || len(s.PID) > maxID:
		return nil, malformed("a session without its ids")
	case s.Rooms == nil:
		return nil, malformed("a session without its rooms")
	}
	return s, nil
}

func (s *Session) field(key string, v packet.Value, d *decoder) error {
	switch key {
	case "server":
		return word(key, v, &s.Server)
	case "sid":
		return word(key, v, &s.ID)
	case "pid":
		return word(key, v, &s.PID)
	case "rooms":
		return d.texts(key, v, &s.Rooms)
	case "data":
		return object(key, v, &s.Data)
	case ownField:
		return s.own(v, d)
	}
	return nil
}

// own reads what Hipflask keeps, unless it was written by a later version.
func (s *Session) own(v packet.Value, d *decoder) error {
	own, version := new(OwnSession), 0
	err := members(ownField, v, func(key string, v packet.Value) error {
		switch key {
		case "v":
			return number(key, v, &version)
		case "nsp":
			return word(key, v, &own.Namespace)
		case "since":
			return word(key, v, &own.Since)
		case "known":
			return word(key, v, &own.Known)
		case "stays":
			return d.elements(key, v, func(v packet.Value) error { return own.stay(v, d) })
		case "values":
			return object(key, v, &own.Values)
		}
		return nil
	})
	if err == nil && version == ownVersion {
		s.Own = own
	}
	return err
}

func (o *OwnSession) stay(v packet.Value, d *decoder) error {
	var parts []string
	if err := d.texts("a stay", v, &parts); err != nil {
		return err
	}
	if len(parts) != 3 {
		return malformed("a stay that is not of a room and two positions")
	}
	o.Stays = append(o.Stays, Stay{parts[0], parts[1], parts[2]})
	return nil
}

// object takes an object.
func object(what string, v packet.Value, into *packet.Value) error {
	if !begins(v, '{') {
		return malformed(what + " is not an object")
	}
	*into = v
	return nil
}

// word reads a string.
func word(what string, v packet.Value, into *string) error {
	s, ok := v.Text()
	if !ok {
		return malformed(what + " is not a string")
	}
	*into = s
	return nil
}

// sessionKey is the prefix of the keys of sessions where servers have the default prefix; Node's
// sessionKeyPrefix.
const sessionKey = "sio:session:"

// SessionKey is the key of a session, for servers of a prefix: Node's sessionKeyPrefix has to be
// the prefix and ":session:", if it is not the default.
func SessionKey(prefix, pid string) string {
	if prefix == DefaultPrefix {
		return sessionKey + pid
	}
	return prefix + ":session:" + pid
}
