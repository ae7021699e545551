package hipflask

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"hipflask/server/internal/config"
	"hipflask/server/internal/freeze"
	"hipflask/server/internal/systemd"
	"hipflask/server/internal/websocket"
)

// unixPeer is the address that clients of a Unix socket have: they have none, and could bind to a
// path that looks like one. --trusted-proxies knows them by this name.
const unixPeer = "unix"

// probeTimeout is how long somebody who listens on a Unix socket may take to accept.
const probeTimeout = 2 * time.Second

// listen opens what the settings name, or takes the socket that systemd hands over. With TLS it
// looks after the certificate until ctx ends.
func (a *server) listen(ctx context.Context, getenv func(string) string) (net.Listener, error) {
	a.notifySocket = getenv("NOTIFY_SOCKET")
	if err := a.joinCluster(ctx); err != nil {
		return nil, err
	}
	if err := a.ops.Listen(ctx); err != nil {
		return nil, fmt.Errorf("%w (see --ops-addr)", err)
	}
	var certs *certificates
	if a.cfg.CertFile != "" {
		var err error
		if certs, err = loadCertificates(a.cfg.CertFile, a.cfg.KeyFile, a.log); err != nil {
			return nil, err
		}
	}
	l, err := systemd.Listener(getenv)
	if l == nil && err == nil {
		l, err = open(ctx, a.cfg)
	}
	if err != nil {
		return nil, err
	}
	if err := a.checkBackend(ctx, l.Addr()); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	l = freeze.Listener(l)
	scheme, addr := "http://", l.Addr()
	l = a.conns.Listen(l)
	if certs != nil {
		scheme = "https://"
		certs.watch(ctx)
		l = websocket.ListenTLS(l, certs.config())
	}
	if addr.Network() == "unix" {
		scheme = "unix:"
	}
	a.http = a.newHTTP()
	a.log.Info("listening", "url", scheme+addr.String())
	a.startForwarding(ctx, addr)
	return l, nil
}

func open(ctx context.Context, cfg *config.Config) (net.Listener, error) {
	if cfg.UnixSocket != "" {
		l, err := openUnix(ctx, cfg.UnixSocket, cfg.UnixSocketMode)
		if err != nil {
			return nil, fmt.Errorf("cannot listen (see --unix-socket): %w", err)
		}
		return l, nil
	}
	quiet := net.ListenConfig{KeepAlive: -1} // heartbeats and time limits find who is gone
	l, err := quiet.Listen(ctx, "tcp", net.JoinHostPort(cfg.Host, fmt.Sprint(cfg.Port)))
	if err != nil {
		return nil, fmt.Errorf("cannot listen (see --host and --port): %w", err)
	}
	return l, nil
}

// openUnix listens on a socket file. One that a crash left behind is replaced; the file is removed
// at the end.
func openUnix(ctx context.Context, path string, mode os.FileMode) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if errors.Is(err, syscall.EADDRINUSE) && isStale(path) {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		l, err = new(net.ListenConfig).Listen(ctx, "unix", path)
	}
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, mode); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// isStale reports whether path is a socket that nobody listens on any more.
func isStale(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != os.ModeSocket {
		return false
	}
	conn, err := net.DialTimeout("unix", path, probeTimeout)
	if err == nil {
		_ = conn.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// tell lets systemd know what became of the server.
func (a *server) tell(state string) {
	if err := systemd.Notify(a.notifySocket, state); err != nil {
		a.log.Warn("systemd could not be notified", "state", state, "error", err)
	}
}
