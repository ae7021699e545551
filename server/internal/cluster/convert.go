package cluster

import (
	"fmt"

	"hipflask/server/internal/cluster/nodewire"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/packet"
)

// here is a selection of another server, of the clients of this one alone.
func here(t nodewire.Target) fanout.Selection {
	return fanout.Selection{Rooms: t.Rooms, Except: t.Except, Local: true}
}

// flags are the rest of what the other servers are told of it.
func flags(s fanout.Selection) nodewire.Flags {
	f := nodewire.Flags{Volatile: s.Volatile}
	if s.Uncompressed {
		f.Compress = new(bool)
	}
	return f
}

func isUncompressed(f nodewire.Flags) bool { return f.Compress != nil && !*f.Compress }

// there is a selection as the other servers are told.
func there(s fanout.Selection) nodewire.Target {
	return nodewire.Target{Rooms: s.Rooms, Except: s.Except}
}

// eventOf is an event of another server as clients are sent it.
func eventOf(name string, args []packet.Value) (fanout.Event, error) {
	if packet.Reserved(name) {
		return fanout.Event{}, fmt.Errorf("the event's name is reserved for clients: %.40q", name)
	}
	e := fanout.Event{Name: name, Args: make([]any, len(args))}
	for i, arg := range args {
		e.Args[i] = arg
	}
	return e, nil
}

// valuesOf are the arguments of an event for the other servers.
func valuesOf(e fanout.Event) ([]packet.Value, error) {
	args := make([]packet.Value, len(e.Args))
	for i, arg := range e.Args {
		var err error
		if args[i], err = packet.NewValue(arg); err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
	}
	return args, nil
}

// answerOf is what a client of another server has acknowledged.
func answerOf(a *nodewire.Response) fanout.Answer {
	switch {
	case a.Client != "":
		return fanout.Answer{Client: a.Client, Args: a.Args}
	case a.Data.IsNull(): // Node's undefined
		return fanout.Answer{}
	}
	return fanout.Answer{Args: []packet.Value{a.Data}}
}
