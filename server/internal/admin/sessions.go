package admin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"hipflask/server/internal/users"
)

const (
	// sessionLife is how long a login holds.
	sessionLife = 12 * time.Hour
	// maxSession is how long the id of a session is at most.
	maxSession = 1 << 10
)

// Signer signs with a key that all servers have whose logins hold here.
type Signer interface {
	// Sign fails while there is no key. It takes a second at most, as Check does.
	Sign(ctx context.Context, parts ...string) (mac []byte, err error)
	Check(ctx context.Context, mac []byte, parts ...string) bool
	Now() time.Time // by the servers' common clock
}

// sessions are logins that hold for a while. Nobody keeps them: a session's id tells the user and
// the time, and is signed. So it holds on every server that has the key, while Redis is away too;
// and it ends when its user is gone or has another password.
type sessions struct{ sign Signer }

// The fields of a session's id, which a dot parts: the user's name, until when, a random text, the
// MAC.
const sessionFields = 4

// begin returns the id of a new session.
func (s sessions) begin(ctx context.Context, u users.User) (id string, err error) {
	name := base64.RawURLEncoding.EncodeToString([]byte(u.Name))
	until := strconv.FormatInt(s.sign.Now().Add(sessionLife).Unix(), 10)
	some := rand.Text()
	mac, err := s.sign.Sign(ctx, name, until, some, fingerprint(u))
	if err != nil {
		return "", err
	}
	return strings.Join([]string{name, until, some, base64.RawURLEncoding.EncodeToString(mac)}, "."), nil
}

// open returns whose session it is, if it is one and not over.
func (s sessions) open(ctx context.Context, id string, find func(name string) (users.User, bool)) (users.User, bool) {
	field := strings.Split(id, ".")
	if len(id) > maxSession || len(field) != sessionFields || strings.ContainsAny(id, "\r\n") { // which base64 ignores
		return users.User{}, false
	}
	name, err := base64.RawURLEncoding.Strict().DecodeString(field[0])
	if err != nil {
		return users.User{}, false
	}
	mac, err := base64.RawURLEncoding.Strict().DecodeString(field[3])
	if err != nil {
		return users.User{}, false
	}
	u, is := find(string(name))
	signed := s.sign.Check(ctx, mac, field[0], field[1], field[2], fingerprint(u))
	until, err := strconv.ParseInt(field[1], 10, 64)
	if !is || !signed || err != nil || !s.sign.Now().Before(time.Unix(until, 0)) {
		return users.User{}, false
	}
	return u, true
}

// fingerprint is what a user's sessions end with: another password.
func fingerprint(u users.User) string {
	sum := sha256.Sum256([]byte(u.Hash))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
