package admin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"

	"hipflask/server/internal/sparse"
	"hipflask/server/socketio"
)

const (
	// A login holds for sessionLife; of more than maxSessions the oldest end.
	sessionLife = 12 * time.Hour
	maxSessions = 64

	// maxFailures logins may fail from one address within failureWindow; then its
	// passwords are no longer looked at until the window is over.
	maxFailures   = 5
	failureWindow = time.Minute
	// maxAddresses bounds the addresses that are remembered for it.
	maxAddresses = 1024

	// checkWait is how long a login waits while others are checked.
	checkWait = 5 * time.Second
)

// invalid is what the UI has a text of its own for.
const invalid = "invalid credentials"

// gate decides who gets in.
type gate struct {
	user [sha256.Size]byte // hashed, so that comparing tells nothing of its length
	hash []byte
	log  *slog.Logger
	now  func() time.Time
	busy chan struct{} // held while a password is checked: one at a time, it costs a CPU

	mu       sync.Mutex
	sessions []grant // the oldest first
	failures map[netip.Addr]window
}

// grant is a session of the UI; only the hash of its id is kept.
type grant struct {
	id    [sha256.Size]byte
	until time.Time
}

// window counts what happens in a span of time.
type window struct {
	since time.Time
	count int
}

func newGate(user, hash string, log *slog.Logger) *gate {
	return &gate{
		user:     sha256.Sum256([]byte(user)),
		hash:     []byte(hash),
		log:      log,
		now:      time.Now,
		busy:     make(chan struct{}, 1),
		failures: make(map[netip.Addr]window),
	}
}

// enter lets a UI in that names a session or knows the password; for the latter it
// returns the id of a new session. Anybody else gets a *[socketio.Refusal].
func (g *gate) enter(remote string, auth socketio.Value) (session string, err error) {
	var asked struct {
		Username, Password string
		SessionID          string `json:"sessionId"`
	}
	if auth.Decode(&asked) != nil {
		return "", socketio.Refuse(invalid)
	}
	if asked.SessionID != "" && g.knows(asked.SessionID) {
		return "", nil
	}
	if asked.Username == "" && asked.Password == "" {
		return "", socketio.Refuse(invalid) // a session that is over, or no attempt at all
	}
	return g.login(remote, asked.Username, asked.Password)
}

// login opens a session for whoever knows the password.
func (g *gate) login(remote, user, password string) (session string, err error) {
	from := origin(remote)
	if !g.attempt(from) {
		g.warn(remote, "too many failed logins")
		return "", socketio.Refuse("too many failed logins, try again in a minute")
	}
	right, checked := g.check(user, password)
	switch {
	case !checked:
		g.warn(remote, "too many logins at once")
		return "", socketio.Refuse("too many logins at once, try again")
	case !right:
		g.warn(remote, invalid)
		return "", socketio.Refuse(invalid)
	}
	g.log.Info("admin login", "address", remote)
	return g.admit(from), nil
}

// check takes as long for a wrong name as for a wrong password.
func (g *gate) check(user, password string) (right, checked bool) {
	timer := time.NewTimer(checkWait)
	defer timer.Stop()
	select {
	case g.busy <- struct{}{}:
	case <-timer.C:
		return false, false
	}
	defer func() { <-g.busy }()
	given := sha256.Sum256([]byte(user))
	named := subtle.ConstantTimeCompare(given[:], g.user[:]) == 1
	matches := bcrypt.CompareHashAndPassword(g.hash, []byte(password)) == nil
	return named && matches, true
}

// attempt counts a login as failed, until admit takes that back: so those at the
// same time count as well. It says whether the address may have one more.
func (g *gate) attempt(from netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	f := g.failures[from]
	if now.Sub(f.since) >= failureWindow {
		f = window{since: now}
	}
	if f.count >= maxFailures {
		return false
	}
	f.count++
	if _, known := g.failures[from]; !known {
		g.makeRoom(now)
	}
	g.failures[from] = f
	return true
}

// makeRoom forgets addresses when there are too many: those whose time is over, or
// else any one. The mutex is held.
func (g *gate) makeRoom(now time.Time) {
	if len(g.failures) < maxAddresses {
		return
	}
	for from, f := range g.failures {
		if now.Sub(f.since) >= failureWindow {
			delete(g.failures, from)
		}
	}
	for from := range g.failures {
		if len(g.failures) < maxAddresses {
			return
		}
		delete(g.failures, from)
	}
}

// admit opens a session for a login that was right.
func (g *gate) admit(from netip.Addr) (session string) {
	session = rand.Text() // 128 bits or more
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.failures, from)
	if len(g.sessions) >= maxSessions {
		g.sessions = append(g.sessions[:0], g.sessions[len(g.sessions)-maxSessions+1:]...)
	}
	g.sessions = append(g.sessions, grant{sha256.Sum256([]byte(session)), g.now().Add(sessionLife)})
	return session
}

func (g *gate) knows(session string) bool {
	id := sha256.Sum256([]byte(session))
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	for _, l := range g.sessions {
		if subtle.ConstantTimeCompare(l.id[:], id[:]) == 1 {
			return now.Before(l.until)
		}
	}
	return false
}

// warn logs a login that was refused.
func (g *gate) warn(remote, reason string) {
	g.log.WarnContext(sparse.As(context.Background(), "admin login refused: "+reason), "admin login refused",
		"address", remote, "reason", reason)
}

// origin is what failures are counted by: the address, or the IPv6 network, as one
// machine has all of its addresses.
func origin(remote string) netip.Addr {
	var addr netip.Addr
	if ap, err := netip.ParseAddrPort(remote); err == nil {
		addr = ap.Addr()
	} else if a, err := netip.ParseAddr(remote); err == nil {
		addr = a
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		if network, err := addr.Prefix(64); err == nil {
			return network.Addr()
		}
	}
	return addr // the zero Addr for what is none: they count together
}
