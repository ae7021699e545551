package admin

import (
	"maps"
	"os"
	"slices"
	"time"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/inspect"
)

// stats is what a UI is told of the server. In development mode it has what was counted since last,
// if that is not nil.
func (a *Admin) stats(now, last *inspect.Stats) *stats {
	told := &stats{
		ServerID:   a.opts.ServerID,
		Hostname:   a.host,
		PID:        os.Getpid(),
		Uptime:     time.Since(a.start).Seconds(),
		Namespaces: []space{},
	}
	all := a.view.Namespaces()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		told.Namespaces = append(told.Namespaces, space{name, len(all[name].List())})
	}
	for kind, n := range now.Sessions {
		told.Clients += n
		if kind.Transport == "polling" {
			told.Polling += n
		}
	}
	if a.opts.Events {
		told.Events = counted(now, last, time.Now())
	}
	return told
}

func counted(now, last *inspect.Stats, at time.Time) []count {
	list := []count{}
	if last == nil {
		return list
	}
	second := at.Truncate(time.Second).UnixMilli()
	add := func(name string, reason engineio.Reason, now, last uint64) {
		if now > last {
			list = append(list, count{second, name, reason, now - last})
		}
	}
	add("rawConnection", "", sum(now.Opened), sum(last.Opened))
	for _, reason := range slices.Sorted(maps.Keys(now.Closed)) {
		add("rawDisconnection", reason, now.Closed[reason], last.Closed[reason])
	}
	to, from := traffic(now), traffic(last)
	add("packetsIn", "", to.MessagesIn, from.MessagesIn)
	add("packetsOut", "", to.MessagesOut, from.MessagesOut)
	add("bytesIn", "", to.BytesIn, from.BytesIn)
	add("bytesOut", "", to.BytesOut, from.BytesOut)
	return list
}

func sum(counts map[engineio.Kind]uint64) (n uint64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// traffic is that of all clients.
func traffic(s *inspect.Stats) (all engineio.Traffic) {
	for _, t := range s.Traffic {
		all.MessagesIn += t.MessagesIn
		all.MessagesOut += t.MessagesOut
		all.BytesIn += t.BytesIn
		all.BytesOut += t.BytesOut
	}
	return all
}
