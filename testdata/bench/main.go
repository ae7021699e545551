//go:build linux

// Command bench compares the server with socket.io on Node, Flask-SocketIO under
// eventlet, and a bare Go program; README.md beside this file says how.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	runtime.LockOSThread() // the servers are killed when the thread ends that started them
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	bin := flags.String("bin", "", "folder with the programs that were built: hipflask, rtt, ceiling")
	here := flags.String("scripts", ".", "folder with the servers of Node and Flask")
	out := flags.String("out", "", "folder for result.md, result.svg and result.json; none are written without it")
	python := flags.String("python", "/usr/bin/python3", "Python that has Flask-SocketIO and eventlet")
	quick := flags.Bool("quick", false, "one round of half a second, fewer idle connections: a look, no result")
	only := flags.String("only", "", "rows to run, a regular expression")
	which := flags.String("servers", strings.Join(servers, ","), "servers to run")
	if err := flags.Parse(args); err != nil {
		return err
	}
	s := &suite{rounds: 9, each: time.Second, idle: []int{5000, 10000}, servers: strings.Split(*which, ","), progress: os.Stderr}
	if *quick {
		s.rounds, s.each, s.idle = 1, time.Second/2, []int{2000, 4000}
	}
	for _, name := range s.servers {
		if !slices.Contains(servers, name) {
			return fmt.Errorf("-servers: no server is called %q; there are %s", name, strings.Join(servers, ","))
		}
	}
	var err error
	if s.only, err = regexp.Compile("(?i)" + *only); err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	s.commands = map[string][]string{
		ours:    {filepath.Join(*bin, "hipflask"), "--port", "0"},
		node:    {"node", filepath.Join(*here, "node.mjs")},
		flask:   {*python, filepath.Join(*here, "flask_server.py")},
		ceiling: {filepath.Join(*bin, "ceiling")},
	}
	s.rtt = []string{filepath.Join(*bin, "rtt")}
	m, err := describe(ctx, *here, *python)
	if err != nil {
		return err
	}
	if err := prepare(s.idle[len(s.idle)-1]); err != nil {
		return err
	}
	if s.loop, err = newLoop(ctx); err != nil {
		return err
	}
	defer s.loop.close()
	begin := time.Now()
	if err := s.run(ctx); err != nil {
		return err
	}
	r := newResult(m, s, begin, *quick)
	fmt.Print(r.markdown())
	if *out == "" {
		return nil
	}
	return r.write(*out)
}

// prepare gives this process and the servers that it starts enough file descriptors.
func prepare(connections int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("getrlimit: %w", err)
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("setrlimit: %w", err)
	}
	if want := uint64(connections + 200); limit.Max < want {
		return fmt.Errorf("%d file descriptors are needed, the limit is %d: raise it with ulimit -Hn", want, limit.Max)
	}
	return sharpen()
}
