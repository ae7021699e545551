package admin

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/sparse"
	"hipflask/server/socketio"
)

const (
	instanceDigits = 10 // of a.instance

	// A server that has UIs says so with its statistics; one that has not said so for silentAfter
	// has none. At most so many servers with so many UIs each are known.
	silentAfter = 10 * time.Second
	maxServers  = 256
	maxUIs      = 64

	// maxNamespaces is how many namespaces of other servers are known, and goneAfter when those are
	// forgotten that no server names any more.
	maxNamespaces = 10_000
	goneAfter     = time.Minute
)

// others is what is known of the other servers. The Admin's mu is held.
type others struct {
	servers    map[string]other     // those that have UIs, by instance
	namespaces map[string]time.Time // that there are, and when one was named last

	node    time.Time // when one of Node's was heard last
	nodeUIs []string  // that are connected to those
}

// other is a server.
type other struct {
	uis   []string
	until time.Time
}

func newOthers() others {
	return others{servers: make(map[string]other), namespaces: make(map[string]time.Time)}
}

// incoming is a message of another server.
type incoming struct {
	From   string   `json:"from"`
	UIs    []string `json:"uis"`
	Events []struct {
		To    []string       `json:"to"`
		Event string         `json:"event"`
		Args  []packet.Value `json:"args"`
	} `json:"events"`
}

var errMessage = errors.New("it has another form than what servers say to each other for the Admin UI")

// heard takes a message of another server. Whoever can publish on Redis may have written it.
func (a *Admin) heard(args []socketio.Value) (any, error) {
	var m incoming
	if len(args) != 1 || args[0].Decode(&m) != nil || !isName(m.From) || len(m.UIs) > maxUIs || slices.ContainsFunc(m.UIs, isNoName) {
		a.refuse(errMessage)
		return nil, nil
	}
	a.note(m.From, m.UIs)
	for _, e := range m.Events {
		list, err := checked(e.Event, e.Args)
		if err != nil || len(e.To) > maxServers*maxUIs {
			a.refuse(errors.Join(err, errMessage))
			continue
		}
		if s, is := list[0].(*stats); is {
			a.noteNamespaces(s)
		}
		if e.To == nil {
			a.pass(e.Event, list)
		} else if to := a.oursAmong(e.To); len(to) > 0 {
			a.tellHere(to, e.Event, list...)
		}
	}
	return nil, nil
}

// pass tells all UIs of this server what another one has said.
func (a *Admin) pass(event string, list []any) {
	if a.watchers.Load() > 0 {
		a.tellHere(nil, event, list...)
	}
}

// isName reports whether it can be the name of a server or a UI.
func isName(name string) bool { return name != "" && len(name) <= maxWord }

func isNoName(name string) bool { return !isName(name) }

// refuse counts and logs what another server has said and no UI can be told.
func (a *Admin) refuse(err error) {
	a.share.refused.Add(1)
	a.log.WarnContext(sparse.As(context.Background(), "admin events of other servers"), "admin event of another server refused",
		"error", strings.ReplaceAll(err.Error(), "\n", "; "))
}

// note keeps which UIs are connected to another server. Those that are new are told of this one's
// clients.
func (a *Admin) note(from string, uis []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	was, known := a.others.servers[from]
	if !known && (len(uis) == 0 || len(a.others.servers) >= maxServers) {
		return
	}
	fresh := slices.DeleteFunc(slices.Clone(uis), func(id string) bool { return slices.Contains(was.uis, id) })
	if len(uis) == 0 {
		delete(a.others.servers, from)
	} else {
		a.others.servers[from] = other{uis, time.Now().Add(silentAfter)}
	}
	a.countLocked()
	if len(fresh) > 0 {
		a.share.mu.Lock()
		defer a.share.mu.Unlock()
		if len(a.share.fresh) < maxServers*maxUIs {
			a.share.fresh = append(a.share.fresh, fresh...)
		}
		a.share.signalLocked()
	}
}

func (a *Admin) countLocked() {
	n := len(a.others.nodeUIs)
	for _, o := range a.others.servers {
		n += len(o.uis)
	}
	a.elsewhere.Store(int32(n))
}

// oursAmong returns those of the UIs that are connected here.
func (a *Admin) oursAmong(ids []string) (list []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range ids {
		if _, here := a.uis[id]; here {
			list = append(list, id)
		}
	}
	return list
}

// noteNamespaces keeps the names of another server's namespaces: commands may name them.
func (a *Admin) noteNamespaces(s *stats) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, n := range s.Namespaces {
		if _, known := a.others.namespaces[n.Name]; known || len(a.others.namespaces) < maxNamespaces {
			a.others.namespaces[n.Name] = time.Now()
		}
	}
}

// isElsewhere reports whether another server has a namespace of that name.
func (a *Admin) isElsewhere(namespace string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, known := a.others.namespaces[namespace]
	return known
}

// forgetOthers forgets what has not been heard of for a while.
func (a *Admin) forgetOthers(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for from, o := range a.others.servers {
		if now.After(o.until) {
			delete(a.others.servers, from)
		}
	}
	a.countLocked()
	for name, at := range a.others.namespaces {
		if now.Sub(at) > goneAfter {
			delete(a.others.namespaces, name)
		}
	}
}
