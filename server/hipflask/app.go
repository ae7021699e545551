package hipflask

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"

	"hipflask/server/internal/budget"
	"hipflask/server/internal/capacity"
	"hipflask/server/internal/config"
	"hipflask/server/internal/extras"
	"hipflask/server/internal/inspect"
	"hipflask/server/internal/lines"
	"hipflask/server/internal/ops"
	"hipflask/server/internal/systemd"
	"hipflask/server/socketio"
)

// newServer wires a server and registers the application. What the handlers print goes to stdout.
func newServer(cfg *config.Config, log *slog.Logger, stdout io.Writer, register func(*App) error) (*server, error) {
	return wire(cfg, log, stdout, register, cfg.OpsAddr != "")
}

// wire is newServer; measured has the handlers measured.
func wire(cfg *config.Config, log *slog.Logger, stdout io.Writer, register func(*App) error, measured bool) (*server, error) {
	log = advised(cfg, log)
	a := &server{cfg: cfg, log: log, capacity: capacity.Here(cfg)}
	a.memory = budget.New(a.capacity.ForClients)
	a.conns = a.newConns()
	var err error
	if a.ui, err = a.newAdmin(); err != nil {
		return nil, err
	}
	if a.sessions, err = sessions(cfg, log); err != nil {
		return nil, err
	}
	if a.cluster, err = a.newCluster(); err != nil { // last: it would have to be closed
		return nil, err
	}
	if a.forwarder, err = a.newForwarder(); err != nil {
		return nil, errors.Join(err, a.giveUp())
	}
	var hooks inspect.Hooks
	if a.ui != nil {
		a.ui.Observe(&hooks)
	}
	handled := ops.NewHandlers()
	if measured {
		handled.Observe(&hooks)
	}
	a.sio = socketio.New(socketio.Options{
		Logger:        log,
		SessionValues: a.sessionValues(),
		Context: extras.With(context.Background(), a.withOthers(extras.Extras{
			Settings:  cfg,
			Hooks:     hooks,
			View:      func(v inspect.View) { a.view = v },
			Peers:     a.peers(),
			Capacity:  &a.capacity,
			Memory:    a.memory,
			HoldTasks: true,
		})),
	})
	a.lines = lines.Waiting(stdout, a.stdoutTrouble)
	if err := a.register(register, handled); err != nil {
		return nil, errors.Join(err, a.giveUp())
	}
	return a, nil
}

// register registers the application, and then what comes after its handlers.
func (a *server) register(register func(*App) error, handled *ops.Handlers) (err error) {
	if a.backend, err = a.newBackend(); err != nil {
		return err
	}
	if a.front, err = a.newFront(); err != nil {
		return err
	}
	err = a.front.registered(&App{
		SocketIO:   a.sio,
		Router:     a.front.routes,
		Stdout:     a.lines,
		Log:        a.log,
		Sessions:   a.sessions,
		Context:    a.view.Life(),
		setting:    a.cfg.Value,
		onShutdown: &a.onShutdown,
	}, register)
	if err != nil {
		return err
	}
	if a.ui != nil {
		if err := a.ui.Attach(a.sio, a.view); err != nil {
			return err
		}
	}
	a.ops, err = a.operations(handled)
	return err
}

// serve serves until ctx ends, then drains: new clients are refused, those there are get what they
// were still to be sent and a proper close, every disconnect handler runs, every line reaches
// stdout. What takes longer than the shutdown timeout is cut. Until the last client has gone the
// server goes on to listen: it has polls to answer, and a 503 tells a proxy to ask another server.
func (a *server) serve(ctx context.Context, l net.Listener) error {
	notePages(a.log, a.cfg)
	a.capacity.Tell(a.log, a.cfg)
	a.listener, a.served = acceptor{Listener: l, log: a.log}, make(chan struct{})
	failed := make(chan error, 1)
	go func() {
		defer close(a.served)
		failed <- a.http.Serve(a.front.http1.Reads(a.listener))
	}()
	go func() { _ = a.http.Serve(a.front.http1.Listener()) }() // which ends with the server
	a.view.Begin()
	a.ops.Started()
	a.tell(systemd.Ready)
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		a.ops.Draining()
		a.front.draining.Store(true)
		a.tell(systemd.Stopping)
		a.log.Info("shutting down", "timeout", a.cfg.ShutdownTimeout)
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.cfg.ShutdownTimeout)
	defer cancel()
	if late := a.close(limit); late != nil {
		a.log.Warn("not everything ended in time", "error", late, "setting", "--shutdown-timeout")
	}
	if err != nil {
		return fmt.Errorf("serving: %w", err)
	}
	return a.lostLines()
}
