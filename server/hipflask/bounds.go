package hipflask

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"
)

const (
	// fewFiles is a limit on open files that a busy server meets: each client is one,
	// one that polls for moments two.
	fewFiles = 4000
	// ownFiles is what of them the server needs for itself.
	ownFiles = 64

	filesHint = "raise the limit with LimitNOFILE= in systemd, --ulimit nofile= in Docker or ulimit -n in a shell"
)

// noteFiles says how many files may be open, 0 for nobody knows, and warns if that
// is less than the clients will need.
func noteFiles(log *slog.Logger, maxConnections int, limit uint64) {
	switch {
	case limit == 0:
	case maxConnections > 0 && limit < uint64(maxConnections)+ownFiles:
		log.Warn("fewer files may be open than clients may connect", "limit", limit,
			"max_connections", maxConnections, "setting", "--max-connections", "hint", filesHint)
	case maxConnections == 0 && limit < fewFiles:
		log.Warn("few files may be open, and each client is one", "limit", limit, "hint", filesHint)
	default:
		log.Info("files that may be open, each client is one", "limit", limit)
	}
}

// acceptor says why no connection can be accepted, which net/http only tries again.
type acceptor struct {
	net.Listener
	log *slog.Logger

	mu   sync.Mutex
	last time.Time
}

// acceptQuiet is the time between two lines about what did not change.
const acceptQuiet = 10 * time.Second

func (a *acceptor) Accept() (net.Conn, error) {
	conn, err := a.Listener.Accept()
	if (errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)) && a.due(time.Now()) {
		a.log.Error("no connection can be accepted: too many open files", "error", err, "limit", openFiles(),
			"hint", filesHint+"; a lower --max-connections refuses clients before that")
	}
	return conn, err
}

func (a *acceptor) due(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now.Sub(a.last) < acceptQuiet {
		return false
	}
	a.last = now
	return true
}
