package admin

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"

	"hipflask/server/internal/address"
	"hipflask/server/internal/sparse"
	"hipflask/server/internal/users"
	"hipflask/server/socketio"
)

// maxRecalls is how many logins in failureWindow are compared with one that was right before: what
// is a person's own is far fewer, and to guess at no cost would be easy.
const maxRecalls = 600

// invalid is what the UI has a text of its own for.
const invalid = "invalid credentials"

// logins decides who gets in.
type logins struct {
	sessions sessions
	key      []byte // of this process, for known
	log      *slog.Logger
	now      func() time.Time
	turns    *turns

	mu      sync.Mutex
	users   map[string]users.User
	costly  users.User        // the one whose password takes longest to check
	known   map[string][]byte // by name: the MAC of a login that was right
	recalls window
}

func newLogins(all []users.User, sign Signer, log *slog.Logger) *logins {
	l := &logins{
		sessions: sessions{sign},
		key:      []byte(rand.Text()),
		log:      log,
		now:      time.Now,
		turns:    newTurns(time.Now),
	}
	l.replace(all)
	return l
}

// replace has others log in from now on.
func (l *logins) replace(all []users.User) {
	byName := make(map[string]users.User, len(all))
	var costly users.User
	most := 0
	for _, u := range all {
		byName[u.Name] = u
		if cost, _ := bcrypt.Cost([]byte(u.Hash)); cost > most {
			costly, most = u, cost
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.users, l.costly, l.known = byName, costly, make(map[string][]byte)
}

// find returns the user of that name. For a name that nobody has it is another one, so that finding
// out takes as long, and false.
func (l *logins) find(name string) (u users.User, is bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if u, is = l.users[name]; !is {
		u = l.costly
	}
	return u, is
}

// stands reports whether a user may still do what he could when he came.
func (l *logins) stands(u users.User) bool {
	now, is := l.find(u.Name)
	return is && now == u
}

// enter lets a UI in that names a session or knows a user's password; for the latter it returns the
// id of a new session, empty if there can be none. Anybody else gets a *[socketio.Refusal].
func (l *logins) enter(ctx context.Context, remote string, auth socketio.Value) (u users.User, session string, err error) {
	var asked struct {
		Username, Password string
		SessionID          string `json:"sessionId"`
	}
	if auth.Decode(&asked) != nil {
		return u, "", socketio.Refuse(invalid)
	}
	if asked.SessionID != "" {
		if u, ok := l.sessions.open(ctx, asked.SessionID, l.find); ok {
			return u, "", nil
		}
	}
	if asked.Username == "" && asked.Password == "" {
		return u, "", socketio.Refuse(invalid) // a session that is over, or no attempt at all
	}
	if u, err = l.login(remote, asked.Username, asked.Password); err != nil {
		return u, "", err
	}
	session, err = l.sessions.begin(ctx, u)
	if err != nil { // the password goes on to work
		l.log.Warn("the admin login has no session: it ends with the connection", "error", err)
	}
	return u, session, nil
}

// login returns the user whose password somebody knows, however many others have failed. One that
// was right before costs nothing to know again; any other waits for its turn to be checked.
func (l *logins) login(remote, name, password string) (users.User, error) {
	from := origin(remote)
	u, is := l.find(name)
	right := is && l.recall(u, password)
	if !right {
		if !l.turns.take(from) {
			l.warn(remote, "too many logins at once")
			return u, socketio.Refuse("too many logins at once, try again")
		}
		began := l.now()
		matches := bcrypt.CompareHashAndPassword([]byte(u.Hash), []byte(password)) == nil
		right = is && matches
		l.turns.give(l.now().Sub(began))
	}
	if !right {
		l.warn(remote, invalid)
		return u, socketio.Refuse(invalid)
	}
	l.turns.forgive(from)
	l.remember(u, password)
	l.log.Info("admin login", "user", u.Name, "read_only", u.ReadOnly, "address", remote)
	return u, nil
}

// mac is what is kept of a login that was right, in memory alone.
func (l *logins) mac(u users.User, password string) []byte {
	m := hmac.New(sha256.New, l.key)
	of := sha256.Sum256([]byte(u.Name))
	m.Write(of[:])
	m.Write([]byte(u.Hash)) // of one length
	m.Write([]byte(password))
	return m.Sum(nil)
}

// recall reports whether the very same login was right before.
func (l *logins) recall(u users.User, password string) bool {
	given := l.mac(u, password)
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.known[u.Name]
	return known != nil && l.recalls.add(l.now()) <= maxRecalls && hmac.Equal(given, known)
}

// remember notes a login that was right.
func (l *logins) remember(u users.User, password string) {
	known := l.mac(u, password)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.users[u.Name] == u {
		l.known[u.Name] = known
	}
}

// warn logs a login that was refused.
func (l *logins) warn(remote, reason string) {
	l.log.WarnContext(sparse.As(context.Background(), "admin login refused: "+reason), "admin login refused",
		"address", remote, "reason", reason)
}

// origin is what failures are counted by; those from no address count together.
func origin(remote string) netip.Addr {
	addr, _ := address.Parse(remote)
	return address.Client(addr)
}
