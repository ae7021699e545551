package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// startTimeout is how long Flask may take until it listens.
const startTimeout = 30 * time.Second

// flask is the process of app.py.
type flask struct {
	python string // the interpreter
	folder string // where app.py is
	addr   string // where it is to listen
	key    string // the secret key, this program's as well

	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // what became of it, then
}

// start starts it and waits until it listens. What it prints goes to stdout.
func (f *flask) start(stdout io.Writer) error {
	_, port, err := net.SplitHostPort(f.addr)
	if err != nil {
		return err
	}
	f.cmd = exec.Command(f.python, "-u", "app.py")
	f.cmd.Dir = f.folder
	f.cmd.Env = append(os.Environ(), "PORT="+port, "HIPFLASK_SECRET_KEY="+f.key)
	f.cmd.Stdout, f.cmd.Stderr = stdout, os.Stderr
	if err := f.cmd.Start(); err != nil {
		return fmt.Errorf("starting Flask: %w; PYTHON names the interpreter, and the command is for the repository's root", err)
	}
	f.done = make(chan struct{})
	go func() {
		f.err = f.cmd.Wait()
		close(f.done)
	}()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := f.listens(ctx); err != nil {
		f.end(ctx)
		return err
	}
	return nil
}

// listens waits until Flask does. Nothing tells, so it is tried.
func (f *flask) listens(ctx context.Context) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-f.done:
			return fmt.Errorf("app.py has not started: %w; does the Python that PYTHON names have Flask?", errors.Join(f.err, errors.New("it has ended")))
		case <-ctx.Done():
			return fmt.Errorf("app.py does not listen at %s after %v", f.addr, startTimeout)
		case <-tick.C:
		}
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", f.addr)
		if err == nil {
			return conn.Close()
		}
	}
}

// end ends it, by force when ctx ends first.
func (f *flask) end(ctx context.Context) {
	_ = f.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-f.done:
	case <-ctx.Done():
		_ = f.cmd.Process.Kill() // the process is gone, or it ends now
		<-f.done
	}
}
