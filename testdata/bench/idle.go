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
	memoryRounds  = 2
	memoryBudget  = 100 * time.Second
	before        = 100 // connections that are there when memory is first looked at

	// Memory has settled when it has not changed by half a percent for calm; it is
	// taken as it is after settleMost.
	calm       = 3 * time.Second
	settleMost = 15 * time.Second
)

func broadcastRow(size string, clients int) string {
	return fmt.Sprintf("broadcast of %s to %d", size, clients)
}
func openingRow(n int) string { return fmt.Sprintf("opening %d connections", n) }
func idleRow(n int) string    { return fmt.Sprintf("idle connections, %d", n) }

// fresh runs rounds in which each server is started anew, does something and ends.
func (s *suite) fresh(ctx context.Context, rounds int, budget time.Duration, do func(r *rig, round int) error) error {
	begin := time.Now()
	for round := 1; round <= min(s.rounds, rounds) && (round == 1 || time.Since(begin) < budget); round++ {
		for i := range s.servers {
			r, err := s.rig(s.servers[(i+round)%len(s.servers)], group{})
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
	if err := r.open(trial, false); err != nil {
		return err
	}
	r.close()
	if err := s.loop.idle(time.Second); err != nil {
		return err
	}
	r.herd = newHerd(s.loop, r.server)
	n := s.idle[0]
	_, got, err := observe(r.server, func() (outcome, error) {
		begin := time.Now()
		err := r.open(n, false)
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
func (s *suite) memory(r *rig, round int) error {
	if err := r.open(before, false); err != nil {
		return err
	}
	empty, err := settled(r.herd)
	if err != nil {
		return err
	}
	for _, n := range s.idle {
		if err := r.open(n, false); err != nil {
			return err
		}
		full, err := settled(r.herd)
		if err != nil {
			return err
		}
		s.add(sample{Row: idleRow(n), Server: r.name, Round: round, Delivered: n,
			Values: map[string]float64{kib: float64(full-empty) / 1024 / float64(n-before)}})
	}
	return nil
}

// settled waits until the process's memory has stopped changing, and returns it.
func settled(h *herd) (int, error) {
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
		earlier := seen[max(0, len(seen)-1-int(calm/step))]
		if change := max(n-earlier, earlier-n); waited > settleMost || waited > calm && change*200 < n {
			return n, h.err()
		}
	}
}
