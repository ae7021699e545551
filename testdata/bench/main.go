//go:build linux

// Command bench compares the server with socket.io on Bun and on Node, with Flask-SocketIO under
// eventlet, python-socketio under uvicorn, and a bare Go program; README.md beside this file says
// how.
package main

import (
	"context"
	"errors"
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
	bin := flags.String("bin", "", "folder with the programs that were built: app, ceiling")
	here := flags.String("scripts", ".", "folder with the servers of Bun, Node and Python")
	out := flags.String("out", "", "folder for result.md, result.svg and result.json; none are written without it")
	python := flags.String("python", "/usr/bin/python3", "Python that has Flask-SocketIO, eventlet and uvicorn")
	quick := flags.Bool("quick", false, "one round of half a second, fewer idle connections: a look, no result")
	rounds := flags.Int("rounds", 0, "rounds, if not those of a result or of a quick look")
	only := flags.String("only", "", "rows to run, a regular expression")
	growth := flags.Bool("growth", false, "measure how cost grows instead, of Hipflask, Bun and Node, for growth.md and growth.svg; -only names curves")
	which := flags.String("servers", strings.Join(servers, ","), "servers to run")
	if err := flags.Parse(args); err != nil {
		return err
	}
	s := &suite{rounds: 8, each: 700 * time.Millisecond, warmUp: time.Second, steady: 3 * time.Second, idle: []int{5000, 10000},
		servers: strings.Split(*which, ","), progress: os.Stderr}
	if *quick {
		s.rounds, s.each, s.warmUp, s.steady, s.idle = 1, time.Second/2, time.Second/2, time.Second, []int{2000}
	}
	if *growth {
		s.rounds = 3
	}
	if *rounds > 0 {
		s.rounds = *rounds
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
	engine, err := bunProgram(*here)
	if err != nil {
		return err
	}
	s.commands = map[string][]string{
		ours:    {filepath.Join(*bin, "app"), "--port", "0"},
		bun:     {engine, filepath.Join(*here, "bun.mjs")},
		node:    {"node", filepath.Join(*here, "node.mjs")},
		flask:   {*python, filepath.Join(*here, "flask_server.py")},
		uvicorn: {*python, filepath.Join(*here, "uvicorn_server.py")},
		ceiling: {filepath.Join(*bin, "ceiling")},
	}
	if s.tls, err = os.MkdirTemp("", "bench"); err != nil {
		return err
	}
	defer os.RemoveAll(s.tls)
	if err := certify(s.tls); err != nil {
		return fmt.Errorf("the certificate: %w", err)
	}
	m, err := describe(ctx, *here, *python, engine)
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
	if *growth {
		r, err := s.growth(ctx, m)
		if err != nil {
			return err
		}
		fmt.Print(r.markdown())
		if *out == "" {
			return nil
		}
		return r.write(*out)
	}
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

// bunProgram finds Bun as npm installs it without running its script, which would put it where the
// command bun expects it.
func bunProgram(scripts string) (string, error) {
	found, err := filepath.Glob(filepath.Join(scripts, "node_modules/@oven/bun-linux-*/bin/bun"))
	if err == nil && len(found) == 0 {
		err = errors.New("no Bun in node_modules: run npm ci first")
	}
	if err != nil {
		return "", err
	}
	return found[0], nil
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
