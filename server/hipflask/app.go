package hipflask

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"hipflask/server/internal/accepted"
	"hipflask/server/internal/admin"
	"hipflask/server/internal/budget"
	"hipflask/server/internal/cluster"
	"hipflask/server/internal/config"
	"hipflask/server/internal/engineio"
	"hipflask/server/internal/inspect"
	"hipflask/server/internal/lines"
	"hipflask/server/internal/machine"
	"hipflask/server/internal/ops"
	"hipflask/server/internal/packet"
	"hipflask/server/internal/sparse"
	"hipflask/server/internal/systemd"
	"hipflask/server/socketio"
)

const (
	// idleTimeout is how long a connection without a request is kept.
	idleTimeout = 2 * time.Minute
	// maxHeaderBytes bounds a request's header; the client's URL, cookies and
	// tokens have to fit.
	maxHeaderBytes = 64 << 10
)

// server is one server: what an [App] runs in.
type server struct {
	cfg   *config.Config
	log   *slog.Logger
	lines *lines.Writer
	sio   *socketio.Server
	door  inspect.Door
	http  *http.Server
	ops   *ops.Server

	capacity     capacity
	conns        *accepted.Conns
	cluster      *cluster.Cluster // nil: this server is alone
	notifySocket string           // where systemd wants to hear of us; empty: nowhere
}

// newServer wires a server. What the handlers print goes to stdout.
func newServer(cfg *config.Config, log *slog.Logger, stdout io.Writer, register func(*App) error) (*server, error) {
	a := &server{cfg: cfg, log: log, capacity: newCapacity(cfg, machine.LookUpMemory(os.DirFS("/")), machine.Files())}
	a.conns = a.newConns()
	engine := engineConfig(cfg, log)
	engine.Bounds = a.capacity.bounds(cfg)
	engine.Memory = budget.New(a.capacity.forClients)
	ui, err := adminUI(cfg, log)
	if err != nil {
		return nil, err
	}
	if a.cluster, err = a.newCluster(); err != nil {
		return nil, err
	}
	options := socketio.Options{
		Peers:  a.peers(),
		Engine: engine,
		Limits: packet.Limits{
			MaxAttachments: orNone(cfg.MaxAttachments),
			MaxDepth:       cfg.MaxJSONDepth,
			MaxBytes:       cfg.MaxAttachments*int(cfg.MaxHTTPBufferSize) + int(cfg.MaxHTTPBufferSize),
		},
		ConnectTimeout:    cfg.ConnectTimeout,
		AttachmentTimeout: cfg.AttachmentTimeout,
		MaxQueuedEvents:   cfg.MaxQueuedEvents,
		Recovery:          cfg.Recovery,
		Concurrent:        cfg.AsyncHandlers,
		Inspect:           &a.door,
	}
	if ui != nil {
		ui.Observe(&a.door)
	}
	handled := observeHandlers(cfg, &a.door)
	a.sio = socketio.New(options)
	a.lines = lines.Waiting(stdout, a.stdoutTrouble)
	err = register(&App{SocketIO: a.sio, Stdout: a.lines})
	if err == nil && ui != nil {
		err = ui.Attach(a.sio)
	}
	if err == nil {
		a.ops, err = a.operations(handled, engine.Memory)
	}
	var routes http.Handler
	if err == nil {
		routes, err = a.routes()
	}
	if err != nil {
		return nil, errors.Join(err, a.close(context.Background()))
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // a WebSocket needs a connection of its own; HTTP/3 is never served
	a.http = &http.Server{
		Handler:           routes,
		Protocols:         protocols,
		ReadHeaderTimeout: cfg.ReadHeaderTimeout,
		WriteTimeout:      engine.WriteTimeout(),
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          sparse.ErrorLog(log, slog.LevelDebug, "HTTP server"),
		ConnState:         a.conns.Track,
	}
	return a, nil
}

// adminUI makes the Admin UI's side, nil if it is switched off.
func adminUI(cfg *config.Config, log *slog.Logger) (*admin.Admin, error) {
	if cfg.AdminUser == "" {
		return nil, nil
	}
	return admin.New(admin.Options{
		User:         cfg.AdminUser,
		PasswordHash: cfg.AdminPasswordHash,
		Events:       cfg.AdminMode == config.AdminDevelopment,
		Logger:       log,
	})
}

func engineConfig(cfg *config.Config, log *slog.Logger) engineio.Config {
	return engineio.Config{
		PingInterval:         cfg.PingInterval,
		PingTimeout:          cfg.PingTimeout,
		UpgradeTimeout:       cfg.UpgradeTimeout,
		MaxMessage:           int(cfg.MaxHTTPBufferSize),
		MaxPayloadPackets:    cfg.MaxPayloadPackets,
		MaxBacklog:           int(cfg.MaxBacklog),
		Path:                 cfg.Path,
		PlainPath:            cfg.PlainWebSocketPath,
		PlainPathTakes:       cfg.PlainPathTakes,
		Polling:              cfg.Polling,
		WebSocket:            cfg.WebSocket,
		AllowUpgrades:        cfg.AllowUpgrades,
		Compression:          cfg.HTTPCompression,
		CompressionThreshold: int(cfg.CompressionThreshold),
		Cookie:               cfg.Cookie,
		CookieAttributes:     cfg.CookieAttributes,
		ServerID:             cfg.ServerID,
		Origins:              pagePolicy(cfg),
		BodyTimeout:          cfg.ReadBodyTimeout,
		Proxies:              engineio.Proxies{Networks: cfg.TrustedProxies, UnixSocket: cfg.TrustUnixSocket},
		Logger:               log,
	}
}

// orNone turns a limit of 0 into what stands for none, where 0 means the default.
func orNone(limit int) int {
	if limit == 0 {
		return -1
	}
	return limit
}

// serve serves until ctx ends, then drains: new clients are refused, those there
// are get what they were still to be sent and a proper close, every disconnect
// handler runs, every line reaches stdout. What takes longer than the shutdown
// timeout is cut. Until the last client has gone the server goes on to listen: it
// has polls to answer, and a 503 tells a proxy to ask another server.
func (a *server) serve(ctx context.Context, l net.Listener) error {
	notePages(a.log, a.cfg)
	a.capacity.tell(a.log, a.cfg)
	l = acceptor{Listener: l, log: a.log}
	failed := make(chan error, 1)
	go func() { failed <- a.http.Serve(l) }()
	a.ops.Started()
	a.tell(systemd.Ready)
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		a.ops.Draining()
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

// giveUp ends a server that was never served.
func (a *server) giveUp() error {
	ctx, cancel := context.WithTimeout(context.Background(), a.cfg.ShutdownTimeout)
	defer cancel()
	return a.close(ctx)
}
