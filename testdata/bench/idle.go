//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	openingRounds = 3
	openingBudget = 90 * time.Second
	trial         = 1000 // connections opened and closed before the clock runs
	memoryBudget  = 4 * time.Minute
	idleTLS       = 2000 // connections
	before        = 100  // connections that are there when memory is first looked at

	// Memory is taken as it is when it has not stopped changing by then.
	steadyMost = 15 * time.Second
)

func broadcastRow(size string, clients int) string {
	return fmt.Sprintf("broadcast of %s to %d", size, clients)
}
func openingRow(n int) string { return fmt.Sprintf("opening %d connections", n) }

func idleRow(n int, m mode) row {
	r := row{name: fmt.Sprintf("idle connections, %d", n), metrics: []string{kib},
		targets: []target{{metric: kib, against: node, most: 1}, {metric: kib, against: bun, most: 1}}}
	if m != plain {
		r.name += ", " + string(m)
	}
	return r
}

// fresh runs rounds in which each server is started anew, does something and ends.
func (s *suite) fresh(ctx context.Context, m mode, rounds int, budget time.Duration, do func(r *rig, round int) error) error {
	begin := time.Now()
	all := s.serversIn(m)
	for round := 1; round <= min(s.rounds, rounds) && (round == 1 || time.Since(begin) < budget); round++ {
		for i := range all {
			name := all[(i+round)%len(all)]
			if !takesPart(name, round) {
				continue
			}
			r, err := s.rig(name, group{mode: m})
			if err == nil {
				err = do(r, round)
			}
			s.failed(r, err)
			if err := errors.Join(r.end(), ctx.Err()); err != nil {
				return err
			}
		}
	}
	return nil
}

// opening measures how fast connections are opened.
func (s *suite) opening(r *rig, round int) error {
	if err := r.open(trial, nil); err != nil {
		return err
	}
	r.close()
	if err := s.loop.idle(time.Second); err != nil {
		return err
	}
	r.herd = newHerd(s.loop, r.server, plain)
	n := s.idle[0]
	_, got, err := observe(r.server, func() (outcome, error) {
		begin := time.Now()
		err := r.open(n, nil)
		return outcome{Delivered: n, Elapsed: time.Since(begin)}, err
	})
	if err != nil {
		return err
	}
	got.Row, got.Round = openingRow(n), round
	s.add(got)
	return nil
}

// memory measures what connections cost that hold still.
func (s *suite) memory(m mode, counts ...int) func(r *rig, round int) error {
	return func(r *rig, round int) error {
		if err := r.open(before, nil); err != nil {
			return err
		}
		empty, err := steady(r.herd, s.steady)
		if err != nil {
			return err
		}
		for _, n := range counts {
			if err := r.open(n, nil); err != nil {
				return err
			}
			full, err := steady(r.herd, s.steady)
			if err != nil {
				return err
			}
			s.add(sample{Row: idleRow(n, m).name, Server: r.name, Round: round, Delivered: n,
				Values: map[string]float64{kib: float64(full-empty) / 1024 / float64(n-before)}})
		}
		return nil
	}
}

// steady waits until the process's memory has not changed by half a percent for d, and returns it.
func steady(h *herd, d time.Duration) (int, error) {
	const step = 250 * time.Millisecond
	var seen []int
	for begin := time.Now(); ; {
		if err := h.loop.idle(step); err != nil {
			return 0, err
		}
		n, err := h.server.resident()
		if err != nil {
			return 0, err
		}
		seen = append(seen, n)
		waited := time.Since(begin)
		earlier := seen[max(0, len(seen)-1-int(d/step))]
		if change := max(n-earlier, earlier-n); waited > steadyMost || waited > d && change*200 < n {
			return n, h.err()
		}
	}
}
