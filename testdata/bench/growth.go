//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// curve is how the cost of a delivery changes with something that grows.
type curve struct {
	title string
	what  string // is measured
	shape string // what there is to see, or why it is no straight line
	log   bool   // the cost is drawn on a logarithmic axis
	spots []spot
}

// spot is one point on a curve: how many there are of what grows, and the work.
type spot struct {
	n            int
	label        string
	clients      int
	row          row
	rooms        int // in all; 0: there are none
	members      int // clients in each
	perNamespace int // clients in a namespace; 0: all are in the default one
}

// grown is what was measured of one server there.
type grown struct {
	Cost   float64 // µs of CPU a delivery, the median of the rounds
	Joined float64 // bytes that one client in one room took; 0: not measured
}

var growing = []string{ours, bun, node}

// curves lists what is measured. No process can have more than so many connections.
func curves(connections int) []curve {
	const (
		few     = 8 // messages in flight where there are several senders
		members = 10
	)
	one := func(bytes int) row { return row{senders: 1, inFlight: 1, t: textMessage(bytes)} }
	several := func(clients int) row {
		return row{senders: clients, inFlight: 1, every: max(1, clients/few), t: textMessage(32)}
	}
	clients := curve{title: "Clients", what: "A message of 32 B to all, one in flight.",
		shape: "Flat from 100 on: what a message costs once is spread over all who get it, and a delivery costs what the kernel takes for a `send`."}
	for _, n := range []int{10, 100, 1000, 5000, min(15000, connections)} {
		clients.spots = append(clients.spots, spot{n: n, clients: n, row: one(32)})
	}
	rooms := curve{title: "Rooms", what: "1000 clients, 10 in each room, who speak in all of theirs in turn; 8 messages in flight.",
		shape: "Flat but for the processor's caches: a room is found in a map, whatever else there is."}
	for _, n := range []int{1, 100, 1000, 10000, 100000} {
		s := spot{n: n, clients: 1000, rooms: n, members: members, row: several(1000)}
		if n == 1 {
			s.row.senders, s.row.every = few, 1 // who are in it
		}
		rooms.spots = append(rooms.spots, s)
	}
	spaces := curve{title: "Namespaces", what: "10 clients in each; 8 messages in flight, from as many namespaces.",
		shape: "Flat, like rooms; there are ten times as many clients as namespaces."}
	for _, n := range []int{1, 10, 100, min(1000, connections/members)} {
		spaces.spots = append(spaces.spots, spot{n: n, clients: members * n, perNamespace: members, row: several(members * n)})
	}
	size := curve{title: "Members of a room", what: "1000 clients in rooms of that size, 8 messages in flight.",
		shape: "Falls as a/n + b: a is what a message costs once (read, decoded, handled, encoded), b what each delivery does. So the cost of a message is a straight line. In one room of 1000, messages that are under way together leave in one write."}
	for _, n := range []int{2, 10, 100, 1000} {
		size.spots = append(size.spots, spot{n: n, clients: 1000, rooms: 1000 / n, members: n, row: several(1000)})
	}
	bytes := curve{title: "Size of a message", what: "To 100 clients, one in flight.", log: true,
		shape: "A constant and a straight line: from some KiB on it is the kernel that copies."}
	for _, n := range []struct {
		bytes int
		label string
	}{{32, "32 B"}, {1 << 10, "1 KiB"}, {4 << 10, "4 KiB"}, {16 << 10, "16 KiB"}, {64 << 10, "64 KiB"}, {256 << 10, "256 KiB"}} {
		bytes.spots = append(bytes.spots, spot{n: n.bytes, label: n.label, clients: 100, row: one(n.bytes)})
	}
	return []curve{clients, rooms, spaces, size, bytes}
}

// growthResult is all of it: by curve, spot and server.
type growthResult struct {
	m      machine
	begun  time.Time
	rounds int
	curves []curve
	found  [][]map[string]grown
}

// growth measures all curves, one server at a time: a process cannot have the connections to
// several with thousands of clients each.
func (s *suite) growth(ctx context.Context, m machine) (*growthResult, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return nil, fmt.Errorf("getrlimit: %w", err)
	}
	const others = 300 // files
	r := &growthResult{m: m, begun: time.Now(), rounds: s.rounds, curves: curves(int(limit.Cur) - others)}
	for _, c := range r.curves {
		all := make([]map[string]grown, len(c.spots))
		for i, at := range c.spots {
			all[i] = map[string]grown{}
			for _, name := range growing {
				if !s.only.MatchString(c.title) {
					continue
				}
				g, err := s.grow(name, at)
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				if err != nil {
					s.note("%s, %d: %v", c.title, at.n, err)
					continue
				}
				fmt.Fprintf(s.progress, "%-20s %7d %-8s  CPU %s\n", c.title, at.n, name, number(g.Cost))
				all[i][name] = g
			}
		}
		r.found = append(r.found, all)
	}
	return r, nil
}

// grow measures one server at one point.
func (s *suite) grow(name string, at spot) (g grown, err error) {
	r, err := s.rig(name, group{})
	if err != nil {
		return g, errors.Join(err, r.end())
	}
	defer func() { err = errors.Join(err, r.end()) }()
	r.perNamespace = at.perNamespace
	if err := r.open(at.clients, nil); err != nil {
		return g, err
	}
	if at.rooms > 0 {
		if g.Joined, err = r.joinAll(at); err != nil {
			return g, err
		}
	}
	var costs []float64
	for round := range s.rounds + 1 {
		d := s.each
		if round == 0 {
			d = s.warmUp
		}
		got, err := measure(r.herd, at.row, d)
		if err != nil {
			return g, err
		}
		if got.Lost+got.Reordered > 0 {
			return g, fmt.Errorf("%s: %d messages lost, %d reordered", name, got.Lost, got.Reordered)
		}
		if round > 0 {
			costs = append(costs, got.Values[cpu])
		}
	}
	g.Cost = median(costs)
	return g, nil
}

// joinAll spreads the rooms over the clients, who are in the same ones by the number of a room's
// members. It returns the bytes that each membership took.
func (r *rig) joinAll(at spot) (float64, error) {
	was, err := r.resident()
	if err != nil {
		return 0, err
	}
	sets := at.clients / at.members
	err = r.joinEach(at.members, func(c *conn) (first, count int) {
		set := c.number / at.members
		first = (set*at.rooms + sets - 1) / sets
		return first, ((set+1)*at.rooms+sets-1)/sets - first
	})
	if err != nil {
		return 0, err
	}
	is, err := r.resident()
	return float64(is-was) / float64(at.rooms*at.members), err
}

// write writes growth.md and growth.svg.
func (r *growthResult) write(folder string) error {
	return errors.Join(
		os.WriteFile(filepath.Join(folder, "growth.md"), []byte("![](growth.svg)\n\n"+r.markdown()), 0o644),
		os.WriteFile(filepath.Join(folder, "growth.svg"), []byte(r.chart()), 0o644))
}

func (r *growthResult) markdown() string {
	var b strings.Builder
	b.WriteString("# How cost grows\n\nServer CPU in µs a delivery, by `make bench ARGS=\"-growth -out testdata/bench\"`.\n")
	for i, c := range r.curves {
		r.table(&b, c, r.found[i])
	}
	fmt.Fprintf(&b, "\n%s. %s, medians of %d rounds, one server after the other.\n", r.m, r.begun.UTC().Format("2 January 2006"), r.rounds)
	return b.String()
}

func (r *growthResult) table(b *strings.Builder, c curve, found []map[string]grown) {
	fmt.Fprintf(b, "\n## %s\n\n%s %s\n\n| |", c.title, c.what, c.shape)
	for _, at := range c.spots {
		fmt.Fprintf(b, " %s |", at.name())
	}
	fmt.Fprintf(b, "\n|---|%s\n", strings.Repeat("---:|", len(c.spots)))
	for _, name := range growing {
		fmt.Fprintf(b, "| %s |", name)
		for i := range c.spots {
			if g, ok := found[i][name]; ok {
				fmt.Fprintf(b, " %s |", number(g.Cost))
			} else {
				b.WriteString(" |")
			}
		}
		b.WriteString("\n")
	}
	if last := found[len(found)-1]; c.spots[len(found)-1].rooms*c.spots[len(found)-1].members > 1e5 && len(last) > 0 {
		fmt.Fprintf(b, "\nMemory for each client in each of the %s rooms, in bytes:", c.spots[len(found)-1].name())
		for _, name := range growing {
			fmt.Fprintf(b, " %s %s.", name, number(last[name].Joined))
		}
		b.WriteString("\n")
	}
}

func (at spot) name() string {
	if at.label != "" {
		return at.label
	}
	return fmt.Sprint(at.n)
}
