// Package admin lets the official Socket.IO Admin UI (@socket.io/admin-ui 0.5) look at the server
// and act on its clients. It owns the namespace "/admin": who may log in, what they are told, and
// the commands that they give.
//
// In a cluster a UI that is connected to one server is told of all: the others say it to that one
// (others.go, share.go), and only while there is a UI somewhere. A UI of a Node server is told what
// Node's own servers tell it, in their way (node.go). Commands go the way of every handler's, which
// is to the clients of all servers.
//
// Sockets and rooms are told in both modes. In production the UI shows them only for servers that
// do not offer AGGREGATED_EVENTS, its counts of packets and bytes, so those are offered in
// development mode alone.
package admin

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"hipflask/server/internal/inspect"
	"hipflask/server/internal/sparse"
	"hipflask/server/internal/users"
	"hipflask/server/socketio"
)

// Namespace is the one that the UI connects to.
const Namespace = "/admin"

// statsInterval is what the UI expects: it calls a server unhealthy that it has not heard of for
// ten seconds.
const statsInterval = 2 * time.Second

// Options set who may use the UI, and what it shows.
type Options struct {
	Users    func() ([]users.User, error) // who may log in; it is asked again and again
	Sign     Signer                       // of sessions
	ReadOnly bool                         // nobody may change anything
	Events   bool                         // development mode: show each event with its arguments
	Logger   *slog.Logger

	ServerID string     // as the UI shows it; empty: the machine and the process
	Servers  func() int // how many there are, this one among them; nil without a cluster

	StatsInterval time.Duration // between two reports; 2 s if 0
}

// Admin serves the UI.
type Admin struct {
	opts     Options
	log      *slog.Logger
	logins   *logins
	instance string // this process' name among the others
	start    time.Time
	host     string

	view  inspect.View                // set by Attach, before any client comes
	space *socketio.Namespace         // so is this
	aside func(func(context.Context)) // and this, which runs something beside
	share *share                      // nil without a cluster

	watchers  atomic.Int32 // UIs that are connected
	elsewhere atomic.Int32 // and those of other servers

	listing sync.Mutex // held while sockets are listed and told, and while a change is told

	mu      sync.Mutex
	uis     map[string]ui               // that are connected, by id
	polling map[inspect.Client]struct{} // those that a UI was told are polling
	others  others

	reading struct { // of the users; the reporting goroutine's
		last  []users.User
		wrong string // why they cannot be read; empty: they can
	}
}

// ui is one that is connected.
type ui struct {
	user    users.User
	context *socketio.Context
}

// New makes the UI's counterpart. It fails when nobody may log in.
func New(opts Options) (*Admin, error) {
	all, err := opts.Users()
	if err != nil {
		return nil, fmt.Errorf("the admin users: %w", err)
	}
	if len(all) == 0 {
		return nil, errors.New("there is no admin user")
	}
	for _, u := range all {
		if err := users.CheckHash(u.Hash); err != nil || u.Name == "" {
			return nil, errors.New("an admin user has no name, or no password's hash")
		}
	}
	if opts.StatsInterval <= 0 {
		opts.StatsInterval = statsInterval
	}
	opts.Logger = cmp.Or(opts.Logger, slog.New(slog.DiscardHandler))
	opts.Logger = sparse.Logger(opts.Logger)
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	a := &Admin{
		opts:     opts,
		log:      opts.Logger,
		logins:   newLogins(all, opts.Sign, opts.Logger),
		instance: rand.Text()[:instanceDigits],
		start:    time.Now(),
		host:     host,
		uis:      make(map[string]ui),
		polling:  make(map[inspect.Client]struct{}),
		others:   newOthers(),
	}
	a.reading.last = all
	own := fmt.Sprintf("%s#%d", host, os.Getpid())
	if opts.Servers != nil {
		a.share = newShare()
		own += "#" + a.instance[:4] // of several with one process number, in containers
	}
	a.opts.ServerID = cmp.Or(opts.ServerID, own)
	return a, nil
}

// servers is how many servers there are.
func (a *Admin) servers() int {
	if a.opts.Servers == nil {
		return 1
	}
	return max(a.opts.Servers(), 1)
}

// isWatched reports whether anybody looks, at whichever server.
func (a *Admin) isWatched() bool { return a.watchers.Load() > 0 || a.elsewhere.Load() > 0 }

// tell sends an event to every UI of all servers.
func (a *Admin) tell(event string, args ...any) {
	if a.watchers.Load() > 0 {
		a.tellHere(nil, event, args...)
	}
	if a.elsewhere.Load() > 0 {
		a.tellOthers(nil, event, args...)
		a.tellNode(event, args)
	}
}

// tellHere sends an event to UIs of this server: to all, if to is empty.
func (a *Admin) tellHere(to []string, event string, args ...any) {
	if err := a.space.To(to...).Local().Emit(event, args...); err != nil {
		a.log.Error("admin event not sent", "event", event, "error", err)
	}
}
