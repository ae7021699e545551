package hipflask

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"hipflask/server/internal/admin"
	"hipflask/server/internal/cluster"
	"hipflask/server/internal/config"
	"hipflask/server/internal/engineio"
	"hipflask/server/internal/inspect"
	"hipflask/server/internal/lines"
	"hipflask/server/internal/ops"
	"hipflask/server/internal/packet"
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

	silent       silentConns
	cluster      *cluster.Cluster // nil: this server is alone
	notifySocket string           // where systemd wants to hear of us; empty: nowhere
}

// newServer wires a server. What the handlers print goes to stdout.
func newServer(cfg *config.Config, log *slog.Logger, stdout io.Writer, register func(*App) error) (*server, error) {
	a := &server{cfg: cfg, log: log}
	engine := engineConfig(cfg, log)
	ui, err := adminUI(cfg, log)
	if err != nil {
		return nil, err
	}
	if a.cluster, err = a.newCluster(); err != nil {
		return nil, err
	}
	flask, err := sessions(cfg, log)
	if err != nil {
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
		ConnectTimeout:  cfg.ConnectTimeout,
		MaxQueuedEvents: cfg.MaxQueuedEvents,
		Recovery:        cfg.Recovery,
		Concurrent:      cfg.AsyncHandlers,
		Inspect:         &a.door,
	}
	if flask != nil {
		options.SessionValues = flask.ValuesAt
	}
	if ui != nil {
		ui.Observe(&a.door)
	}
	handled := observeHandlers(cfg, &a.door)
	a.sio = socketio.New(options)
	a.lines = lines.Waiting(stdout)
	err = register(&App{SocketIO: a.sio, Stdout: a.lines, Sessions: flask})
	if err == nil && ui != nil {
		err = ui.Attach(a.sio)
	}
	if err == nil {
		a.ops, err = a.operations(handled)
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
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		ConnState:         a.silent.track,
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
	origins := engineio.OriginPolicy{List: cfg.CORSAllowedOrigins, Credentials: cfg.CORSCredentials}
	if len(origins.List) == 1 && origins.List[0] == "*" {
		origins.Any, origins.List = true, nil
	}
	return engineio.Config{
		PingInterval:         cfg.PingInterval,
		PingTimeout:          cfg.PingTimeout,
		UpgradeTimeout:       cfg.UpgradeTimeout,
		MaxMessage:           int(cfg.MaxHTTPBufferSize),
		MaxPayloadPackets:    cfg.MaxPayloadPackets,
		MaxBacklog:           int(cfg.MaxBacklog),
		Path:                 cfg.Path,
		PlainPath:            cfg.PlainWebSocketPath,
		Polling:              cfg.Polling,
		WebSocket:            cfg.WebSocket,
		AllowUpgrades:        cfg.AllowUpgrades,
		Compression:          cfg.HTTPCompression,
		CompressionThreshold: int(cfg.CompressionThreshold),
		Cookie:               cfg.Cookie,
		ServerID:             cfg.ServerID,
		Origins:              origins,
		BodyTimeout:          cfg.ReadBodyTimeout,
		Bounds:               bounds(cfg),
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
	noteFiles(a.log, a.cfg.MaxConnections, openFiles())
	l = &acceptor{Listener: l, log: a.log}
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
	return nil
}

// close ends everything that newServer and serve started.
func (a *server) close(ctx context.Context) error {
	err := a.sio.Shutdown(ctx)
	if a.http != nil {
		if stop := a.silent.shutdown(ctx, a.http); stop != nil {
			err = errors.Join(err, stop, a.http.Close())
		}
	}
	err = errors.Join(err, a.leaveCluster(ctx), a.lines.Close(ctx))
	if a.ops != nil {
		a.ops.Close() // last: until now it says that the server is draining
	}
	return err
}

// giveUp ends a server that was never served.
func (a *server) giveUp() error {
	ctx, cancel := context.WithTimeout(context.Background(), a.cfg.ShutdownTimeout)
	defer cancel()
	return a.close(ctx)
}
