package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"hipflask/server/internal/sparse"
	"hipflask/server/internal/users"
	"hipflask/server/socketio"
)

// testLogins are logins with a clock of their own. What they log goes to the buffer.
func testLogins(t *testing.T) (l *logins, clock *time.Time, log *bytes.Buffer) {
	t.Helper()
	log = new(bytes.Buffer)
	at := time.Now()
	clock = &at
	now := func() time.Time { return *clock }
	l = newLogins([]users.User{root(t)}, signer{clock}, slog.New(sparse.New(slog.NewTextHandler(log, nil), now)))
	l.now = now
	l.turns.now = now
	return l, clock, log
}

// signer signs with a key that everybody knows.
type signer struct{ clock *time.Time }

func (s signer) Sign(_ context.Context, parts ...string) ([]byte, error) {
	return fmt.Appendf(nil, "%q", parts), nil
}

func (s signer) Check(ctx context.Context, mac []byte, parts ...string) bool {
	right, _ := s.Sign(ctx, parts...)
	return bytes.Equal(mac, right)
}

func (s signer) Now() time.Time { return *s.clock }

func try(l *logins, remote, user, password string) error {
	_, err := l.login(remote, user, password)
	return err
}

func refusedWith(err error, message string) bool {
	var refused *socketio.Refusal
	return errors.As(err, &refused) && strings.Contains(refused.Message, message)
}

// Five mistakes, and more, keep nobody out who then knows the password.
func TestTheRightPasswordPassesAfterFailures(t *testing.T) {
	l, clock, log := testLogins(t)
	for i := range maxFailures {
		if err := try(l, fmt.Sprintf("192.0.2.1:%d", i), "root", "wrong"); !refusedWith(err, invalid) {
			t.Fatal(err)
		}
	}
	if n := strings.Count(log.String(), "address=192.0.2.1:"); n != maxFailures {
		t.Errorf("%d lines name the address, want %d:\n%s", n, maxFailures, log)
	}
	*clock = clock.Add(slowPace)
	if err := try(l, "192.0.2.1:99", "root", password); err != nil {
		t.Errorf("the right password: %v", err)
	}
	for i := range 4 * maxWaiting { // at no cost, now that it is known
		if err := try(l, "192.0.2.1:99", "root", password); err != nil {
			t.Fatalf("the right password, %d times: %v", i+2, err)
		}
	}
	if err := try(l, "192.0.2.1:99", "toor", password); !refusedWith(err, invalid) {
		t.Errorf("a wrong name: %v", err)
	}
}

// What was right before may be guessed so many times without a check, and no more.
func TestRecallsAreBounded(t *testing.T) {
	l, clock, _ := testLogins(t)
	if err := try(l, "192.0.2.1:1", "root", password); err != nil {
		t.Fatal(err)
	}
	u, _ := l.find("root")
	for range maxRecalls {
		if l.recall(u, "wrong") {
			t.Fatal("a wrong password is known")
		}
	}
	if l.recall(u, password) {
		t.Error("the guesses go on")
	}
	*clock = clock.Add(failureWindow)
	if !l.recall(u, password) {
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
	tn.mu.Lock() // those that wait look at the clock
	clock = clock.Add(slowPace)
	tn.mu.Unlock()
	tn.give(0)
	tn.mu.Lock()
	clock = clock.Add(slowPace)
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
	l, clock, log := testLogins(t)
	tn := l.turns
	for i := range 2 * maxAddresses {
		tn.mu.Lock()
		tn.failLocked(origin(fmt.Sprintf("10.0.%d.%d:1", i/256, i%256)))
		tn.mu.Unlock()
		l.warn("somebody", invalid)
	}
	if len(tn.failures) != maxAddresses {
		t.Errorf("%d addresses are remembered, want %d", len(tn.failures), maxAddresses)
	}
	*clock = clock.Add(failureWindow)
	l.warn("somebody", invalid)
	const logged = 5 // in one second
	if n := strings.Count(log.String(), "\n"); n != logged+1 {
		t.Errorf("%d lines were logged, want %d", n, logged+1)
	}
	if want := fmt.Sprintf("not_logged_before=%d", 2*maxAddresses-logged); !strings.Contains(log.String(), want) {
		t.Errorf("the log lacks %s", want)
	}
}

func TestSessionsEnd(t *testing.T) {
	l, clock, _ := testLogins(t)
	u := root(t)
	open := func(id string) bool {
		found, ok := l.sessions.open(t.Context(), id, l.find)
		return ok && found.Name == u.Name
	}
	l.replace([]users.User{u})
	first, err := l.sessions.begin(t.Context(), u)
	if err != nil || !open(first) {
		t.Fatalf("session %q: %v", first, err)
	}
	*clock = clock.Add(sessionLife - time.Second)
	if !open(first) {
		t.Error("the session ended early")
	}
	*clock = clock.Add(time.Second)
	if open(first) {
		t.Error("the session is still known")
	}
	second, err := l.sessions.begin(t.Context(), u)
	if err != nil || !open(second) {
		t.Fatalf("session %q: %v", second, err)
	}
	fields := strings.Split(second, ".")
	for _, wrong := range []string{
		"", ".", "...", second + ".", second[:len(second)-1], "x" + second, strings.Replace(second, ".", ".1", 1), strings.Replace(second, ".", ".\n", 1),
		strings.Join(append([]string{"dG9vcg"}, fields[1:]...), "."), strings.Repeat("a", 2*maxSession), fields[0] + "." + fields[1] + "." + fields[2] + ".",
	} {
		if open(wrong) {
			t.Errorf("%q is a session", wrong)
		}
	}
	l.replace([]users.User{{Name: "toor", Hash: u.Hash}})
	if open(second) {
		t.Error("a session of a user who is gone is known")
	}
	other := u
	other.Hash = hashOf(t, "another password")
	l.replace([]users.User{other})
	if open(second) {
		t.Error("a session is known after the password was changed")
	}
}

// Sessions of one user, and what was right before, are not another's.
func TestUsersAreApart(t *testing.T) {
	l, _, _ := testLogins(t)
	ann := users.User{Name: "ann", Hash: hashOf(t, "ann's"), ReadOnly: true}
	l.replace([]users.User{root(t), ann})
	for _, c := range []struct{ name, password string }{{"root", password}, {"ann", "ann's"}, {"ann", "ann's"}} {
		if u, err := l.login("192.0.2.1:1", c.name, c.password); err != nil || u.Name != c.name || u.ReadOnly != (c.name == "ann") {
			t.Errorf("%s is %+v: %v", c.name, u, err)
		}
	}
	for _, c := range []struct{ name, password string }{{"root", "ann's"}, {"ann", password}, {"", password}} {
		if err := try(l, "192.0.2.1:1", c.name, c.password); !refusedWith(err, invalid) {
			t.Errorf("%s with %s: %v", c.name, c.password, err)
		}
	}
}
