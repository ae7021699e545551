package admin

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"hipflask/server/internal/sparse"
	"hipflask/server/socketio"
)

// testGate is a gate with a clock of its own. What it logs goes to the buffer.
func testGate(t *testing.T) (g *gate, clock *time.Time, log *bytes.Buffer) {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	log = new(bytes.Buffer)
	at := time.Now()
	clock = &at
	now := func() time.Time { return *clock }
	g = newGate("root", string(hash), slog.New(sparse.New(slog.NewTextHandler(log, nil), now)))
	g.now = now
	return g, clock, log
}

func try(g *gate, remote, user, password string) error {
	_, err := g.login(remote, user, password)
	return err
}

func refusedWith(err error, message string) bool {
	var refused *socketio.Refusal
	return errors.As(err, &refused) && strings.Contains(refused.Message, message)
}

func TestTooManyFailures(t *testing.T) {
	g, clock, log := testGate(t)
	for i := range maxFailures {
		if err := try(g, fmt.Sprintf("192.0.2.1:%d", i), "root", "wrong"); !refusedWith(err, invalid) {
			t.Fatal(err)
		}
	}
	if n := strings.Count(log.String(), "address=192.0.2.1:"); n != maxFailures {
		t.Errorf("%d lines name the address, want %d:\n%s", n, maxFailures, log)
	}
	if err := try(g, "192.0.2.1:99", "root", password); !refusedWith(err, "too many") {
		t.Errorf("the right password, too late: %v", err)
	}
	if err := try(g, "192.0.2.2:1", "root", password); err != nil {
		t.Errorf("from another address: %v", err)
	}
	*clock = clock.Add(failureWindow)
	for range 3 * maxFailures { // what succeeds does not count
		if err := try(g, "192.0.2.1:1", "root", password); err != nil {
			t.Fatalf("a minute later: %v", err)
		}
	}
}

func TestAnIPv6NetworkCountsAsOne(t *testing.T) {
	g, _, _ := testGate(t)
	for i := range maxFailures {
		_ = try(g, fmt.Sprintf("[2001:db8::%d]:1", i), "root", "wrong")
	}
	if err := try(g, "[2001:db8::ffff]:1", "root", password); !refusedWith(err, "too many") {
		t.Errorf("from the same network: %v", err)
	}
	if err := try(g, "[2001:db8:0:1::1]:1", "root", password); err != nil {
		t.Errorf("from another network: %v", err)
	}
}

func TestFailuresAreBounded(t *testing.T) {
	g, clock, log := testGate(t)
	for i := range 2 * maxAddresses {
		if !g.attempt(origin(fmt.Sprintf("10.0.%d.%d:1", i/256, i%256))) {
			t.Fatal("a first attempt was refused")
		}
		g.warn("somebody", invalid)
	}
	if len(g.failures) != maxAddresses {
		t.Errorf("%d addresses are remembered, want %d", len(g.failures), maxAddresses)
	}
	*clock = clock.Add(failureWindow)
	g.warn("somebody", invalid)
	const logged = 5 // in one second
	if n := strings.Count(log.String(), "\n"); n != logged+1 {
		t.Errorf("%d lines were logged, want %d", n, logged+1)
	}
	if want := fmt.Sprintf("not_logged_before=%d", 2*maxAddresses-logged); !strings.Contains(log.String(), want) {
		t.Errorf("the log lacks %s", want)
	}
}

func TestSessionsEnd(t *testing.T) {
	g, clock, _ := testGate(t)
	first, err := g.login("192.0.2.1:1", "root", password)
	if err != nil || !g.knows(first) {
		t.Fatalf("session %q: %v", first, err)
	}
	*clock = clock.Add(sessionLife - time.Second)
	if !g.knows(first) {
		t.Error("the session ended early")
	}
	*clock = clock.Add(time.Second)
	if g.knows(first) {
		t.Error("the session is still known")
	}
	var sessions []string
	for range maxSessions + 1 {
		session, err := g.login("192.0.2.1:1", "root", password)
		if err != nil {
			t.Fatal(err)
		}
		sessions = append(sessions, session)
	}
	if g.knows(sessions[0]) || !g.knows(sessions[1]) || !g.knows(sessions[maxSessions]) || len(g.sessions) != maxSessions {
		t.Errorf("of %d sessions not exactly the first is forgotten", len(sessions))
	}
	if g.knows("") {
		t.Error("no session is known")
	}
}
