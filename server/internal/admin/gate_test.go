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
	g.turns.now = now
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

// Five mistakes, and more, keep nobody out who then knows the password.
func TestTheRightPasswordPassesAfterFailures(t *testing.T) {
	g, clock, log := testGate(t)
	for i := range maxFailures {
		if err := try(g, fmt.Sprintf("192.0.2.1:%d", i), "root", "wrong"); !refusedWith(err, invalid) {
			t.Fatal(err)
		}
	}
	if n := strings.Count(log.String(), "address=192.0.2.1:"); n != maxFailures {
		t.Errorf("%d lines name the address, want %d:\n%s", n, maxFailures, log)
	}
	*clock = clock.Add(slowPace)
	if err := try(g, "192.0.2.1:99", "root", password); err != nil {
		t.Errorf("the right password: %v", err)
	}
	for i := range 4 * maxWaiting { // at no cost, now that it is known
		if err := try(g, "192.0.2.1:99", "root", password); err != nil {
			t.Fatalf("the right password, %d times: %v", i+2, err)
		}
	}
	if err := try(g, "192.0.2.1:99", "toor", password); !refusedWith(err, invalid) {
		t.Errorf("a wrong name: %v", err)
	}
}

// What was right before may be guessed so many times without a check, and no more.
func TestRecallsAreBounded(t *testing.T) {
	g, clock, _ := testGate(t)
	if err := try(g, "192.0.2.1:1", "root", password); err != nil {
		t.Fatal(err)
	}
	for range maxRecalls {
		if g.recall("root", "wrong") {
			t.Fatal("a wrong password is known")
		}
	}
	if g.recall("root", password) {
		t.Error("the guesses go on")
	}
	*clock = clock.Add(failureWindow)
	if !g.recall("root", password) {
		t.Error("a minute later it is still forgotten")
	}
}

// at puts somebody's login into the line, and returns once it waits there or was refused.
func at(tn *turns, remote string) (got chan bool) {
	got = make(chan bool, 1)
	waiting := func() (n int) {
		tn.mu.Lock()
		defer tn.mu.Unlock()
		for _, w := range tn.waiting {
			if w.from == origin(remote) {
				n++
			}
		}
		return n
	}
	before := waiting()
	go func() { got <- tn.take(origin(remote)) }()
	for waiting() == before && len(got) == 0 {
		time.Sleep(time.Millisecond) // nobody tells
	}
	return got
}

// Who floods the line waits behind whoever does not, and for nobody there is no end.
func TestTheLineIsFair(t *testing.T) {
	clock := time.Now()
	tn := newTurns(func() time.Time { return clock })
	if !tn.take(origin("192.0.2.9:1")) {
		t.Fatal("the first was refused")
	}
	var flood []chan bool
	for range maxWaiting {
		flood = append(flood, at(tn, "[2001:db8::1]:1"))
	}
	if <-at(tn, "[2001:db8::2]:1") {
		t.Error("one more of the same network was not refused")
	}
	other := at(tn, "192.0.2.1:1")
	if <-flood[maxWaiting-1] {
		t.Error("the latest of the flood was not displaced")
	}
	tn.give(0)
	if !<-other {
		t.Error("the other one was refused")
	}
	clock = clock.Add(slowPace)
	tn.give(0)
	clock = clock.Add(slowPace)
	tn.mu.Lock()
	tn.changeLocked() // the clock has no timers
	tn.mu.Unlock()
	if !<-flood[0] {
		t.Error("the flood's first was refused")
	}
}

// A flood's checks take a fifth of a processor in the long run.
func TestChecksTakeTheirShare(t *testing.T) {
	clock := time.Now()
	tn := newTurns(func() time.Time { return clock })
	began := clock
	checks := 0
	const each = 60 * time.Millisecond
	for clock.Sub(began) < time.Minute {
		w := &waiter{from: origin(fmt.Sprintf("10.0.%d.%d:1", checks/256, checks%256))}
		tn.mu.Lock()
		tn.waiting = []*waiter{w}
		pause := tn.pauseLocked(w)
		tn.waiting = nil
		tn.mu.Unlock()
		clock = clock.Add(max(pause, 0) + each)
		tn.give(each)
		checks++
	}
	if busy := time.Duration(checks) * each; busy > time.Minute/checkShare+maxBurst || busy < time.Minute/checkShare-each {
		t.Errorf("a minute of logins took %v", busy)
	}
}

func TestFailuresAreBounded(t *testing.T) {
	g, clock, log := testGate(t)
	tn := g.turns
	for i := range 2 * maxAddresses {
		tn.mu.Lock()
		tn.failLocked(origin(fmt.Sprintf("10.0.%d.%d:1", i/256, i%256)))
		tn.mu.Unlock()
		g.warn("somebody", invalid)
	}
	if len(tn.failures) != maxAddresses {
		t.Errorf("%d addresses are remembered, want %d", len(tn.failures), maxAddresses)
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
