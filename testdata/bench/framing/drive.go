package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// process is a server process and its controls.
type process struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	addr string
}

func start(name string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(self, "-serve", name)}
	p.cmd.Stderr = os.Stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if _, err := fmt.Fscanln(p.out, &p.addr); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the server: %w", err), p.stop())
	}
	return p, nil
}

func (p *process) stop() error {
	return errors.Join(p.in.Close(), p.cmd.Wait())
}

// ask sends a command and reads its answer into results.
func (p *process) ask(command string, results ...any) error {
	if _, err := fmt.Fprintln(p.in, command); err != nil {
		return err
	}
	if _, err := fmt.Fscanln(p.out, results...); err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	return nil
}

// spent is the CPU time in microseconds that the server spends while do runs.
func (p *process) spent(do func() error) (float64, error) {
	var before, after float64
	if err := p.ask("cpu", &before); err != nil {
		return 0, err
	}
	if err := do(); err != nil {
		return 0, err
	}
	err := p.ask("cpu", &after)
	return after - before, err
}

// dial opens n connections, and has each one echo a message: it is certain then that the server has
// it.
func dial(addr string, n int) ([]socket, error) {
	var all []socket
	for range n {
		s, err := newSocket(addr)
		if err != nil {
			return all, err
		}
		all = append(all, s)
		if err := s.greet(); err != nil {
			return all, err
		}
	}
	return all, nil
}

func closeAll(conns []socket) {
	for _, s := range conns {
		s.Close()
	}
}
