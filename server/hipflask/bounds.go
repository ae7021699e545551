package hipflask

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"syscall"

	"hipflask/server/internal/accepted"
	"hipflask/server/internal/capacity"
	"hipflask/server/internal/engineio"
	"hipflask/server/internal/machine"
)

// newConns makes the set of accepted connections. What is closed is counted and logged as refusals
// are.
func (a *server) newConns() *accepted.Conns {
	return accepted.New(accepted.Options{
		Limit:      a.capacity.Open,
		PerAddress: a.cfg.MaxOpenConnectionsPerAddress,
		Exempt: func(addr netip.Addr) bool {
			return a.forwarder.IsPeer(addr) ||
				slices.ContainsFunc(a.cfg.TrustedProxies, func(n netip.Prefix) bool { return n.Contains(addr) })
		},
		Closed: a.connClosed,
	})
}

// connClosed is called with a connection that was closed, or not taken, because it was one too
// many.
func (a *server) connClosed(why accepted.Why, peer net.Addr, limit int) {
	address := peer.String()
	switch why {
	case accepted.Idle:
		a.view.Warn(engineio.CauseIdle, "connection closed to make room: it was idle for longest", "limit", limit, "address", address)
	case accepted.TooMany:
		a.view.Warn(engineio.CauseOpen, "connection closed: one too many", "limit", limit, "address", address)
	case accepted.PerAddress:
		a.view.Warn(engineio.CauseOpenAddress, "connection closed: one too many of its address", "limit", limit, "address", address)
	case accepted.NoFiles:
		a.view.Warn(engineio.CauseIdle, "connection closed to make room: too many open files", "open", limit, "address", address, "bound", capacity.BoundFiles)
	}
}

// acceptor says why no connection can be accepted, which net/http only tries again.
type acceptor struct {
	net.Listener
	log *slog.Logger
}

func (a acceptor) Accept() (net.Conn, error) {
	conn, err := a.Listener.Accept()
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		a.log.Error("no connection can be accepted: too many open files", "error", err, "limit", machine.Files(),
			"cause", capacity.CauseFiles, "bound", capacity.BoundFiles)
	}
	return conn, err
}
