// Package admin lets the official Socket.IO Admin UI (@socket.io/admin-ui 0.5) look
// at the server and act on its clients. It owns the namespace "/admin": who may log
// in, what they are told, and the commands that they give.
//
// Sockets and rooms are told in both modes. In production the UI shows them only for
// servers that do not offer AGGREGATED_EVENTS, its counts of packets and bytes, so those
// are offered in development mode alone.
package admin

import (
	"context"
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

// Attach adds the namespace to the server of that view, which has to have been made with
// the hooks of [Admin.Observe], before it serves anybody.
func (a *Admin) Attach(s *socketio.Server, view inspect.View) error {
	a.view, a.space = view, s.Of(Namespace)
	a.space.OnError(func(c *socketio.Context, event string, err error) {
		a.log.Warn("admin command failed", "command", event, "address", c.Request().RemoteAddr, "error", err)
	})
	for event, handler := range map[string]any{
		"connect": a.connect, "disconnect": a.disconnect,
		"join": a.join, "leave": a.leave, "_disconnect": a.cut, "emit": a.emit,
	} {
		if err := a.space.On(event, handler); err != nil {
			return err
		}
	}
	s.Go(a.report)
	return nil
}

// connect lets a UI in. It is a watcher before the sockets are listed, so that it misses
// none.
func (a *Admin) connect(c *socketio.Context, auth socketio.Value) error {
	session, err := a.gate.enter(c.Request().RemoteAddr, auth)
	if err != nil {
		return err
	}
	a.watchers.Add(1)
	if session != "" {
		err = c.Emit("session", session)
	}
	if err == nil {
		err = c.Emit("config", map[string]any{"supportedFeatures": a.features()})
	}
	if err == nil {
		now := a.view.Stats()
		err = c.Emit("server_stats", a.stats(&now, nil))
	}
	if err != nil {
		a.watchers.Add(-1)
	}
	return err
}

func (a *Admin) disconnect() { a.watchers.Add(-1) }

func (a *Admin) isWatched() bool { return a.watchers.Load() > 0 }

// features names what the UI may offer. The names with an M are for many clients.
func (a *Admin) features() []string {
	list := []string{"EMIT", "JOIN", "LEAVE", "DISCONNECT", "MJOIN", "MLEAVE", "MDISCONNECT"}
	if a.opts.Events {
		list = append(list, "AGGREGATED_EVENTS", "ALL_EVENTS")
	}
	return list
}

// report sends the statistics while somebody is there to see them.
func (a *Admin) report(ctx context.Context) {
	ticker := time.NewTicker(a.opts.StatsInterval)
	defer ticker.Stop()
	var last *inspect.Stats // that a UI was told of; nil while there is none
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if a.isWatched() {
			now := a.view.Stats()
			a.tell("server_stats", a.stats(&now, last))
			a.tellUpgrades()
			last = &now
			continue
		}
		last = nil
		a.mu.Lock()
		clear(a.polling)
		a.mu.Unlock()
	}
}

// tell sends an event to every UI.
func (a *Admin) tell(event string, args ...any) {
	if err := a.space.Emit(event, args...); err != nil {
		a.log.Error("admin event not sent", "event", event, "error", err)
	}
}
