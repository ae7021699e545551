// Package admin lets the official Socket.IO Admin UI (@socket.io/admin-ui 0.5) look
// at the server and act on its clients. It owns the namespace "/admin": who may log
// in, what they are told, and the commands that they give.
//
// Sockets and rooms are told in both modes. In production the UI shows them only for
// servers that do not offer AGGREGATED_EVENTS, its counts of packets and bytes, so those
// are offered in development mode alone.
package admin

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/bcrypt"

	"hipflask/server/internal/inspect"
	"hipflask/server/internal/sparse"
	"hipflask/server/socketio"
)

// Namespace is the one that the UI connects to.
const Namespace = "/admin"

// statsInterval is what the UI expects: it calls a server unhealthy that it has not
// heard of for ten seconds.
const statsInterval = 2 * time.Second

// Options says who may use the UI, and what it shows.
type Options struct {
	User         string
	PasswordHash string // bcrypt
	Events       bool   // development mode: show each event with its arguments
	Logger       *slog.Logger

	StatsInterval time.Duration // between two reports; 2 s if 0
}

// Admin serves the UI.
type Admin struct {
	opts  Options
	log   *slog.Logger
	gate  *gate
	start time.Time
	host  string

	view     inspect.View        // set by Attach, before any client comes
	space    *socketio.Namespace // so is this
	watchers atomic.Int32        // UIs that are connected

	listing sync.Mutex // held while sockets are listed and told, and while a change is told

	mu      sync.Mutex
	polling map[inspect.Client]struct{} // those that a UI was told are polling
}

// New makes the UI's counterpart. It fails without a user, and for a hash that is none.
func New(opts Options) (*Admin, error) {
	if opts.User == "" {
		return nil, errors.New("the admin user has no name")
	}
	if _, err := bcrypt.Cost([]byte(opts.PasswordHash)); err != nil {
		return nil, fmt.Errorf("the admin password's hash: %w", err)
	}
	if opts.StatsInterval <= 0 {
		opts.StatsInterval = statsInterval
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	opts.Logger = sparse.Logger(opts.Logger)
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return &Admin{
		opts:    opts,
		log:     opts.Logger,
		gate:    newGate(opts.User, opts.PasswordHash, opts.Logger),
		start:   time.Now(),
		host:    host,
		polling: make(map[inspect.Client]struct{}),
	}, nil
}

func (a *Admin) isWatched() bool { return a.watchers.Load() > 0 }

// tell sends an event to every UI.
func (a *Admin) tell(event string, args ...any) {
	if err := a.space.Emit(event, args...); err != nil {
		a.log.Error("admin event not sent", "event", event, "error", err)
	}
}
