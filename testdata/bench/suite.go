//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

// suite runs the rows and collects what was measured.
type suite struct {
	loop     *loop
	commands map[string][]string // by server
	tls      string              // folder with the certificate
	rounds   int
	each     time.Duration // of one server in one round
	warmUp   time.Duration
	steady   time.Duration // for which memory must not change before it is taken
	idle     []int         // numbers of connections
	only     *regexp.Regexp
	servers  []string
	progress io.Writer

	samples []sample
	notes   []string // what went wrong
}

// rig is a server with its clients.
type rig struct {
	*server
	*herd
	err error
}

func (s *suite) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.notes = append(s.notes, text)
	fmt.Fprintln(s.progress, "!", text)
}

// run runs all rows.
func (s *suite) run(ctx context.Context) error {
	for _, g := range groups() {
		g.rows = slices.DeleteFunc(g.rows, func(r row) bool { return !s.only.MatchString(r.name) })
		if len(g.rows) == 0 {
			continue
		}
		if err := s.group(ctx, g); err != nil {
			return err
		}
	}
	if s.only.MatchString(openingRow(s.idle[0])) {
		if err := s.fresh(ctx, plain, openingRounds, openingBudget, s.opening); err != nil {
			return err
		}
	}
	if s.only.MatchString(idleRow(s.idle[0], plain).name) {
		if err := s.fresh(ctx, plain, 1, memoryBudget, s.memory(plain, s.idle...)); err != nil {
			return err
		}
	}
	if s.only.MatchString(idleRow(idleTLS, encrypted).name) {
		return s.fresh(ctx, encrypted, 1, memoryBudget, s.memory(encrypted, idleTLS))
	}
	return nil
}

// serversIn are the servers asked for that are measured in a mode.
func (s *suite) serversIn(m mode) []string {
	return slices.DeleteFunc(slices.Clone(s.servers), func(name string) bool { return !slices.Contains(serversIn(m), name) })
}

// takesPart reports whether a server is measured in a round.
func takesPart(server string, round int) bool { return !slow(server) || round < 2 || round%3 == 1 }

// group runs the rows of a group with all its servers up: in each round, every row with one server
// after the other, beginning with another one each time. A server that fails takes no further part
// in the group.
func (s *suite) group(ctx context.Context, g group) (err error) {
	var rigs []*rig
	defer func() {
		for _, r := range rigs {
			err = errors.Join(err, r.end())
		}
	}()
	for _, name := range s.serversIn(g.mode) {
		if name == g.without {
			continue
		}
		r, err := s.rig(name, g)
		rigs = append(rigs, r)
		if err == nil {
			err = r.open(g.clients, g.polls)
		}
		if err == nil && g.room > 0 {
			err = r.join(g.room)
		}
		s.failed(r, err)
	}
	begin := time.Now()
	for round := range s.rounds + 1 { // the first is to warm up
		if round > 1 && time.Since(begin) > g.budget {
			s.note("%d clients: %d rounds instead of %d, the time was over", g.clients, round-1, s.rounds)
			return nil
		}
		for _, row := range g.rows {
			for i := range rigs {
				s.one(rigs[(i+round)%len(rigs)], row, round)
				if ctx.Err() != nil {
					return ctx.Err()
				}
			}
		}
	}
	return nil
}

// one measures one row with one server.
func (s *suite) one(r *rig, row row, round int) {
	if r.err != nil || !takesPart(r.name, round) {
		return
	}
	d := s.each
	if round == 0 {
		d = s.warmUp // lets Node and Bun compile what is hot
	}
	got, err := measure(r.herd, row, d)
	s.failed(r, err)
	if err != nil || round == 0 {
		return
	}
	got.Round = round
	s.add(got)
}

func (s *suite) add(got sample) {
	s.samples = append(s.samples, got)
	fmt.Fprintf(s.progress, "%-44s %2d %-8s", got.Row, got.Round, got.Server)
	for _, m := range metrics {
		if v, ok := got.Values[m]; ok {
			fmt.Fprintf(s.progress, "  %s %s", m, number(v))
		}
	}
	if got.Generator > 0 {
		fmt.Fprintf(s.progress, "  (generator %.2f CPUs, others %.2f)", got.Generator, got.Others)
	}
	if got.Lost+got.Reordered > 0 {
		fmt.Fprintf(s.progress, "  LOST %d REORDERED %d of %d", got.Lost, got.Reordered, got.Delivered)
	}
	fmt.Fprintln(s.progress)
}

// failed takes note of a server that cannot go on.
func (s *suite) failed(r *rig, err error) {
	if err == nil || r.err != nil {
		return
	}
	r.err = err
	s.note("%v", err)
	if r.server != nil {
		fmt.Fprintf(s.progress, "%s's log ends:\n%s\n", r.name, r.log)
	}
}

// rig starts a server. The rig is to be ended even after an error.
func (s *suite) rig(name string, g group) (*rig, error) {
	srv, err := start(name, s.environment(g.mode), s.command(name, g.mode)...)
	if err != nil {
		return &rig{}, err
	}
	return &rig{server: srv, herd: newHerd(s.loop, srv, g.mode)}, nil
}

// command is how a server is started, and environment what it finds there.
func (s *suite) command(name string, m mode) []string {
	command := slices.Clone(s.commands[name])
	switch {
	case name != ours:
	case m == encrypted:
		command = append(command, "--certfile", filepath.Join(s.tls, "cert.pem"), "--keyfile", filepath.Join(s.tls, "key.pem"))
	case m == compressed:
		command = append(command, "--websocket-compression")
	}
	return command
}

func (s *suite) environment(m mode) []string {
	switch m {
	case encrypted:
		return []string{"BENCH_TLS=" + s.tls}
	case compressed:
		return []string{"BENCH_COMPRESSION=true"}
	default:
		return nil
	}
}

func (r *rig) end() error {
	if r.server == nil {
		return nil
	}
	r.close()
	return r.stop()
}
