package admin

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/inspect"
)

// stats is what a UI is told of the server. In development mode it has what was counted
// since last, if that is not nil.
func (a *Admin) stats(now, last *inspect.Stats) map[string]any {
	all := a.view.Namespaces()
	spaces := []any{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		spaces = append(spaces, map[string]any{"name": name, "socketsCount": len(all[name].List())})
	}
	clients, polling := 0, 0
	for kind, n := range now.Sessions {
		clients += n
		if kind.Transport == "polling" {
			polling += n
		}
	}
	told := map[string]any{
		"serverId":            fmt.Sprintf("%s#%d", a.host, os.Getpid()),
		"hostname":            a.host,
		"pid":                 os.Getpid(),
		"uptime":              time.Since(a.start).Seconds(),
		"clientsCount":        clients,
		"pollingClientsCount": polling,
		"namespaces":          spaces,
	}
	if a.opts.Events {
		told["aggregatedEvents"] = counted(now, last, time.Now())
	}
	return told
}

// count is how often something happened, in the UI's form. It draws them by second.
type count struct {
	Timestamp int64           `json:"timestamp"` // milliseconds
	Type      string          `json:"type"`
	SubType   engineio.Reason `json:"subType,omitempty"`
	Count     uint64          `json:"count"`
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
