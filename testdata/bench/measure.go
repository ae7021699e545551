//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// sample is what was measured of one server in one round of a row.
type sample struct {
	Row       string
	Server    string
	Round     int
	Values    map[string]float64 // by metric
	Delivered int
	Lost      int
	Reordered int
	Generator float64 // CPUs that the load generator used
	Others    float64 // CPUs that everybody else used on the machine
}

// spent is CPU time used so far.
type spent struct{ server, generator, machine time.Duration }

func (s *server) spent() (t spent, err error) {
	var errs [3]error
	t.server, errs[0] = processCPU(s.cmd.Process.Pid)
	t.generator, errs[1] = processCPU(os.Getpid())
	t.machine, errs[2] = machineCPU()
	return t, errors.Join(errs[:]...)
}

// observe runs do and adds what it cost: the server, and everybody else.
func observe(s *server, do func() (outcome, error)) (outcome, sample, error) {
	was, err := s.spent()
	if err != nil {
		return outcome{}, sample{}, err
	}
	begin := time.Now()
	o, err := do()
	elapsed := time.Since(begin)
	is, err2 := s.spent()
	if err := errors.Join(err, err2); err != nil {
		return o, sample{}, err
	}
	if o.Delivered == 0 {
		return o, sample{}, fmt.Errorf("%s: nothing was delivered", s.name)
	}
	used, generator := is.server-was.server, is.generator-was.generator
	cpus := func(d time.Duration) float64 { return max(0, d.Seconds()/elapsed.Seconds()) }
	return o, sample{
		Server: s.name, Delivered: o.Delivered, Lost: o.Lost, Reordered: o.Reordered,
		Generator: cpus(generator), Others: cpus(is.machine - was.machine - used - generator),
		Values: map[string]float64{
			cpu:  float64(used.Nanoseconds()) / 1e3 / float64(o.Delivered),
			rate: float64(o.Delivered) / o.Elapsed.Seconds(),
		},
	}, nil
}

// machineCPU is the CPU time that was used on the machine, or taken from it.
func machineCPU() (time.Duration, error) {
	p, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(p), "\n")
	var user, nice, system, idle, iowait, irq, softirq, steal int64
	_, err = fmt.Sscanf(line, "cpu %d %d %d %d %d %d %d %d", &user, &nice, &system, &idle, &iowait, &irq, &softirq, &steal)
	if err != nil {
		return 0, fmt.Errorf("/proc/stat: %w", err)
	}
	const tick = 10 * time.Millisecond
	return time.Duration(user+nice+system+irq+softirq+steal) * tick, nil
}

// measure does one row's work for d on a herd that is open.
func measure(h *herd, r row, d time.Duration) (sample, error) {
	o, s, err := observe(h.server, func() (outcome, error) {
		switch {
		case r.packed > 0:
			return newPacked(h, r.packed).closed(d)
		case r.trips:
			return newTrips(h, 32).closed(d)
		case r.perSecond > 0:
			return newBroadcast(h, r.t, r.senders).open(r.perSecond, d)
		default:
			return newBroadcast(h, r.t, r.senders).closed(max(r.every, 1), r.inFlight, d)
		}
	})
	if err != nil {
		return s, fmt.Errorf("%s: %w", r.name, err)
	}
	s.Row = r.name
	if o.Bytes > 0 {
		s.Values[wire] = float64(o.Bytes) / float64(o.Delivered)
	}
	if n := len(o.Latency); n > 0 {
		s.Values[p50] = float64(o.Latency[n/2].Nanoseconds()) / 1e6
		s.Values[p99] = float64(o.Latency[n*99/100].Nanoseconds()) / 1e6
	}
	return s, nil
}
