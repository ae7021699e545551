package admin

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"

	"hipflask/server/internal/address"
	"hipflask/server/internal/sparse"
	"hipflask/server/socketio"
)

const (
	// A login holds for sessionLife; of more than maxSessions the oldest end.
	sessionLife = 12 * time.Hour
	maxSessions = 64

	// maxRecalls is how many logins in failureWindow are compared with one that was right
	// before: what is a person's own is far fewer, and to guess at no cost would be easy.
	maxRecalls = 600
)

// invalid is what the UI has a text of its own for.
const invalid = "invalid credentials"

// gate decides who gets in.
type gate struct {
	user  [sha256.Size]byte // hashed, so that comparing tells nothing of its length
	hash  []byte
	key   []byte // of this process, for known
	log   *slog.Logger
	now   func() time.Time
	turns *turns

	mu       sync.Mutex
	sessions []grant // the oldest first
	known    []byte  // the MAC of a login that was right; nil while there was none
	recalls  window
}

// grant is a session of the UI; only the hash of its id is kept.
type grant struct {
	id    [sha256.Size]byte
	until time.Time
}

func newGate(user, hash string, log *slog.Logger) *gate {
	return &gate{
		user:  sha256.Sum256([]byte(user)),
		hash:  []byte(hash),
		key:   []byte(rand.Text()),
		log:   log,
		now:   time.Now,
		turns: newTurns(time.Now),
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

// login opens a session for whoever knows the password, however many others have
// failed. One that was right before costs nothing to know again; any other waits for its
// turn to be checked.
func (g *gate) login(remote, user, password string) (session string, err error) {
	from := origin(remote)
	right := g.recall(user, password)
	if !right {
		if !g.turns.take(from) {
			g.warn(remote, "too many logins at once")
			return "", socketio.Refuse("too many logins at once, try again")
		}
		began := g.now()
		right = g.check(user, password)
		g.turns.give(g.now().Sub(began))
	}
	if !right {
		g.warn(remote, invalid)
		return "", socketio.Refuse(invalid)
	}
	g.turns.forgive(from)
	g.log.Info("admin login", "address", remote)
	return g.admit(user, password), nil
}

// check takes as long for a wrong name as for a wrong password.
func (g *gate) check(user, password string) (right bool) {
	given := sha256.Sum256([]byte(user))
	named := subtle.ConstantTimeCompare(given[:], g.user[:]) == 1
	matches := bcrypt.CompareHashAndPassword(g.hash, []byte(password)) == nil
	return named && matches
}

// mac is what is kept of a login that was right, in memory alone.
func (g *gate) mac(user, password string) []byte {
	m := hmac.New(sha256.New, g.key)
	name := sha256.Sum256([]byte(user))
	m.Write(name[:])
	m.Write([]byte(password))
	return m.Sum(nil)
}

// recall reports whether the very same login was right before.
func (g *gate) recall(user, password string) bool {
	given := g.mac(user, password)
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.known != nil && g.recalls.add(g.now()) <= maxRecalls && hmac.Equal(given, g.known)
}

// admit opens a session for a login that was right.
func (g *gate) admit(user, password string) (session string) {
	session = rand.Text() // 128 bits or more
	known := g.mac(user, password)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.known = known
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

// origin is what failures are counted by; those from no address count together.
func origin(remote string) netip.Addr {
	addr, _ := address.Parse(remote)
	return address.Place(addr)
}
