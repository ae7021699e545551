package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"hipflask/server/internal/websocket"
)

const (
	listeners = 500  // connections that get broadcasts
	echoing   = 100  // of them, those that also send
	idle      = 5000 // connections that hold still
	warm      = 50   // connections before the memory is first looked at
)

// work is what is measured in CPU time: in each round some broadcasts, each when the one before has
// come everywhere, or some echoes, one in flight for each client.
type work struct {
	row   string
	runs  int // broadcasts, or echoes of each client
	size  int // bytes of a broadcast frame's payload; 0: echoes
	times int // frames that are queued for each connection
}

var works = []work{
	{row: rowSmall, runs: 8, size: 64, times: 1},
	{row: rowLarge, runs: 3, size: 16 << 10, times: 1},
	{row: rowQueued, runs: 1, size: 64, times: 16},
	{row: rowEcho, runs: 25},
}

// rig is a server process with its connections.
type rig struct {
	name  string
	p     *process
	conns []socket
}

// measureWork measures the rows about CPU time, with all servers up at once, until the rounds are
// done or the time is over. It returns the number of rounds done.
func measureWork(rounds int, until time.Time, t *table) (done int, err error) {
	rigs := make([]*rig, len(variants))
	defer func() {
		for _, r := range rigs {
			err = errors.Join(err, r.end())
		}
	}()
	err = inTurn(0, func(k int) error {
		var err error
		rigs[k], err = newRig(variants[k].name)
		return err
	})
	if err != nil {
		return 0, err
	}
	for done < rounds && (done == 0 || time.Now().Before(until)) {
		for _, w := range works {
			if err := inTurn(done, func(k int) error { return rigs[k].measure(w, t) }); err != nil {
				return done, err
			}
		}
		done++
	}
	return done, nil
}

// newRig starts a server, connects, and does every work once to warm up. The rig is to be ended
// even after an error.
func newRig(name string) (*rig, error) {
	r := &rig{name: name}
	var err error
	if r.p, err = start(name); err != nil {
		return r, err
	}
	if r.conns, err = dial(r.p.addr, listeners); err != nil {
		return r, err
	}
	for _, w := range works {
		if err := r.do(w); err != nil {
			return r, err
		}
	}
	return r, nil
}

func (r *rig) end() error {
	if r == nil || r.p == nil {
		return nil
	}
	closeAll(r.conns)
	return r.p.stop()
}

func (r *rig) measure(w work, t *table) error {
	micros, err := r.p.spent(func() error { return r.do(w) })
	units := w.runs * w.times * listeners
	if w.size == 0 {
		units = w.runs * echoing
	}
	t.add(w.row, r.name, micros/float64(units))
	return err
}

func (r *rig) do(w work) error {
	if w.size == 0 {
		return echo(r.conns[:echoing], w.runs)
	}
	return r.broadcast(w)
}

// broadcast has the server broadcast w.runs times, and each time reads from every connection what
// is due to it.
func (r *rig) broadcast(w work) error {
	got := make([]byte, w.times*(websocket.HeaderSize(w.size)+w.size))
	for range w.runs {
		var sent string
		if err := r.p.ask(fmt.Sprintf("broadcast %d %d", w.size, w.times), &sent); err != nil {
			return err
		}
		for _, s := range r.conns {
			if _, err := io.ReadFull(s, got); err != nil {
				return fmt.Errorf("reading a broadcast: %w", err)
			}
		}
	}
	return nil
}

// measureIdle measures the rows about memory: what connections cost that have sent one message and
// then hold still.
func measureIdle(name string, t *table) (err error) {
	p, err := start(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	first, err := dial(p.addr, warm)
	defer closeAll(first)
	if err != nil {
		return err
	}
	var heap0, rss0, heap, rss float64
	if err := p.ask("memory", &heap0, &rss0); err != nil {
		return err
	}
	conns, err := dial(p.addr, idle)
	defer closeAll(conns)
	if err != nil {
		return err
	}
	if err := p.ask("memory", &heap, &rss); err != nil {
		return err
	}
	t.add(rowHeap, name, (heap-heap0)/idle/1024)
	t.add(rowRSS, name, (rss-rss0)/idle/1024)
	return nil
}
