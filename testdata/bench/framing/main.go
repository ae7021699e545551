// Command framingbench compares our WebSocket framing with four libraries: the CPU time that a
// server needs for a broadcast, for queued frames and for an echo, and the memory of an idle
// connection. Each server is a process of its own, started from this same binary; this process
// drives them all with the same plain sockets on loopback.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"time"
)

// budget is the time after which no further round begins.
const budget = 125 * time.Second

func main() {
	rounds := flag.Int("rounds", 60, "rounds about CPU time; each runs every server once")
	idleRounds := flag.Int("idle-rounds", 2, "rounds about memory")
	variant := flag.String("serve", "", "internal: run as this server, controlled over stdin")
	flag.Parse()
	run := func() error { return compare(*rounds, *idleRounds) }
	if *variant != "" {
		run = func() error { return serve(*variant) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "framingbench:", err)
		os.Exit(1)
	}
}

// compare runs the rounds and prints the table. Rounds are short and take all servers in turn, each
// time beginning with another, so that a busy moment of the machine falls on all of them.
func compare(rounds, idleRounds int) error {
	if rounds < 1 || idleRounds < 1 {
		return errors.New("at least one round of each kind is needed")
	}
	t := newTable()
	begin := time.Now()
	for i := range idleRounds {
		err := inTurn(i, func(k int) error { return measureIdle(variants[k].name, t) })
		if err != nil {
			return err
		}
	}
	done, err := measureWork(rounds, begin.Add(budget), t)
	if err != nil {
		return err
	}
	fmt.Printf("%s %s/%s, %d CPUs, medians of %d rounds; in brackets the ratio to ours\n\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), done)
	t.print(os.Stdout)
	return nil
}

// inTurn calls f with the number of each server, beginning with another in each round.
func inTurn(round int, f func(k int) error) error {
	for i := range variants {
		k := (i + round) % len(variants)
		if err := f(k); err != nil {
			return fmt.Errorf("%s: %w", variants[k].name, err)
		}
	}
	return nil
}
