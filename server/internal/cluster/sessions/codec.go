package sessions

import (
	"errors"

	"hipflask/server/internal/cluster/nodewire"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/offset"
	"hipflask/server/internal/packet/jsonval"
)

// maxSession is how long the text of a session may be, in bytes.
const maxSession = 1 << 20

// encode writes a session as Redis has it.
func encode(s *fanout.Session, server string) (string, error) {
	out := nodewire.Session{Server: server, ID: s.ID, PID: s.PID, Data: s.Data, Own: &nodewire.OwnSession{
		Namespace: s.Namespace, Since: s.Since.String(), Known: s.Known.String(), Values: s.Values,
	}}
	for _, stay := range s.Stays {
		to := ""
		if stay.To == fanout.StillThere {
			out.Rooms = append(out.Rooms, stay.Room)
		} else {
			to = stay.To.String()
		}
		out.Own.Stays = append(out.Own.Stays, nodewire.Stay{Room: stay.Room, From: stay.From.String(), To: to})
	}
	return out.Encode()
}

// decode reads one.
func decode(text string) (s *fanout.Session, server string, err error) {
	in, err := nodewire.DecodeSession(text, limits)
	if err != nil {
		return nil, "", err
	}
	s = &fanout.Session{ID: in.ID, PID: in.PID}
	s.Data = in.Data
	if in.Own == nil {
		for _, room := range in.Rooms {
			s.Stays = append(s.Stays, fanout.Stay{Room: room, To: fanout.StillThere})
		}
		return s, in.Server, nil
	}
	s.Namespace, s.Values = in.Own.Namespace, in.Own.Values
	since, ok := offset.Parse(in.Own.Since)
	known, ok2 := offset.Parse(in.Own.Known)
	if !ok || !ok2 {
		return nil, "", errPosition
	}
	s.Since, s.Known = since, known
	for _, stay := range in.Own.Stays {
		from, ok := offset.Parse(stay.From)
		to, ok2 := fanout.StillThere, true
		if stay.To != "" {
			to, ok2 = offset.Parse(stay.To)
		}
		if !ok || !ok2 {
			return nil, "", errPosition
		}
		s.Stays = append(s.Stays, fanout.Stay{Room: stay.Room, From: from, To: to})
	}
	return s, in.Server, nil
}

var errPosition = errors.New("a position that is no entry's id")

// limits are those of a session that is read.
var limits = jsonval.Limits{MaxBytes: maxSession}
