package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/users"
	"hipflask/server/socketio"
)

// clustered is an Admin of a cluster of two servers, of which nobody hears the other.
func clustered(t *testing.T) *Admin {
	t.Helper()
	all := []users.User{root(t)}
	a, err := New(Options{Users: func() ([]users.User, error) { return all, nil }, Servers: func() int { return 2 }})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// What waits for the other servers has a bound, clients' events a narrow one; what fits
// leaves in order, in messages of a bounded size.
func TestWhatWaitsIsBounded(t *testing.T) {
	a := clustered(t)
	long := strings.Repeat("x", 10<<10)
	for i := range 2 * maxUnsent / len(long) {
		a.tellOthers(nil, "event_sent", "/", "id", []string{long})
		if i == 2*maxVerbose/len(long) && a.share.bytes > maxVerbose {
			t.Errorf("%d bytes of clients' events wait", a.share.bytes)
		}
	}
	events := len(a.share.queue)
	for i := range 2 * maxUnsent / len(long) {
		a.tellOthers(nil, "room_joined", "/", long, fmt.Sprint(i))
	}
	if a.share.bytes > maxUnsent || a.share.bytes < maxUnsent-2*len(long) || a.Counts().Dropped == 0 {
		t.Errorf("%d bytes wait, %+v", a.share.bytes, a.Counts())
	}
	next := 0
	for more := true; more; {
		var list []packet.Value
		list, _, more = a.share.take()
		size := 0
		for _, v := range list {
			if size += len(v.JSON); events > 0 {
				events--
				continue
			}
			if want := fmt.Sprintf(`"%d"]}`, next); !strings.HasSuffix(string(v.JSON), want) {
				t.Fatalf("an event ends with %q, want %q", v.JSON[len(v.JSON)-20:], want)
			}
			next++
		}
		if size > maxMessage {
			t.Errorf("a message of %d bytes", size)
		}
	}
	if a.share.bytes != 0 || len(a.share.queue) != 0 {
		t.Errorf("%d bytes are left", a.share.bytes)
	}
}

// Servers are known by what they say, as many as there may be, until they are silent.
func TestOtherServersAreForgotten(t *testing.T) {
	a := clustered(t)
	hears := func(from string, uis ...string) {
		t.Helper()
		v := socketio.Args{map[string]any{"from": from, "uis": uis}}
		if _, err := a.heard(valuesOf(t, v...)); err != nil {
			t.Fatal(err)
		}
	}
	hears("one", "a", "b")
	hears("two", "c")
	hears("none")
	if n := a.elsewhere.Load(); n != 3 || !slices.Equal(a.share.fresh, []string{"a", "b", "c"}) {
		t.Errorf("%d UIs elsewhere, %q are fresh", n, a.share.fresh)
	}
	hears("one", "b", "d")
	hears("two")
	if n := a.elsewhere.Load(); n != 2 || !slices.Equal(a.share.fresh, []string{"a", "b", "c", "d"}) {
		t.Errorf("%d UIs elsewhere, %q are fresh", n, a.share.fresh)
	}
	for i := range 2 * maxServers {
		hears(fmt.Sprint(i), "x")
	}
	if n := len(a.others.servers); n != maxServers {
		t.Errorf("%d servers are known", n)
	}
	a.forgetOthers(time.Now().Add(silentAfter + time.Second))
	if n := a.elsewhere.Load(); n != 0 || a.isWatched() {
		t.Errorf("%d UIs elsewhere after a silence", n)
	}
}

func valuesOf(t *testing.T, args ...any) (list []socketio.Value) {
	t.Helper()
	for _, arg := range args {
		v, err := packet.NewValue(arg)
		if err != nil {
			t.Fatal(err)
		}
		var value socketio.Value
		if err := v.Decode(&value); err != nil {
			t.Fatal(err)
		}
		list = append(list, value)
	}
	return list
}

// Nobody who may not log in any more can, and users that cannot be read change nothing.
func TestUsersAreReadAgain(t *testing.T) {
	one, two := root(t), users.User{Name: "ann", Hash: hashOf(t, "ann's")}
	all, wrong := []users.User{one}, error(nil)
	a, err := New(Options{Users: func() ([]users.User, error) { return all, wrong }})
	if err != nil {
		t.Fatal(err)
	}
	all, wrong = nil, errors.New("unreadable")
	a.readUsers()
	if !a.logins.stands(one) {
		t.Error("a user is gone as the others cannot be read")
	}
	all, wrong = []users.User{two}, nil
	a.readUsers()
	if a.logins.stands(one) || !a.logins.stands(two) {
		t.Error("the users are those of before")
	}
	two.ReadOnly = true
	all = []users.User{two}
	if a.readUsers(); !a.logins.stands(two) {
		t.Error("the user may do what he could before")
	}
}

// FuzzHeard has another server say anything. What a UI is told of it, it takes again as
// it is.
func FuzzHeard(f *testing.F) {
	for _, seed := range []string{
		`["server_stats",{"serverId":"a","hostname":"b","pid":1,"uptime":1.5,"clientsCount":1,"namespaces":[{"name":"/","socketsCount":1}]}]`,
		`["socket_connected",{"id":"a","clientId":"b","transport":"polling","nsp":"/","rooms":["a"],"handshake":{"headers":{"cookie":"x"},"query":{}}},"2026-11-26T13:00:00.000Z"]`,
		`["socket_updated",{"id":"a","nsp":"/","transport":"websocket"}]`, `["room_joined","/","r","a","x"]`,
		`["event_sent","/","a",["e",{"b":1}],null]`, `["session","x"]`, `[null]`, `[[],{}]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var list []packet.Value
		if (packet.Value{JSON: text}).Decode(&list) != nil || len(list) == 0 {
			return
		}
		event, _ := list[0].Text()
		told, err := checked(event, list[1:])
		if err != nil {
			if len(err.Error()) > 300 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		var again []packet.Value
		for _, arg := range told {
			v, err := packet.NewValue(arg)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			again = append(again, v)
		}
		if strings.Contains(string(again[0].JSON), `"cookie":"x"`) {
			t.Errorf("a cookie is told: %s", again[0].JSON)
		}
		if _, err := checked(event, again); err != nil {
			t.Errorf("%s is told as %v, which is refused: %v", text, told, err)
		}
	})
}

// A signer that has no key lets whoever knows the password in all the same.
func TestLoginWithoutAKey(t *testing.T) {
	l := newLogins([]users.User{root(t)}, keyless{}, clustered(t).log)
	auth := valuesOf(t, map[string]any{"username": "root", "password": password})[0]
	if u, session, err := l.enter(t.Context(), "192.0.2.1:1", auth); err != nil || session != "" || u.Name != "root" {
		t.Errorf("%+v, %q, %v", u, session, err)
	}
}

type keyless struct{}

func (keyless) Sign(context.Context, ...string) ([]byte, error) { return nil, errors.New("no key") }

func (keyless) Check(context.Context, []byte, ...string) bool { return false }

func (keyless) Now() time.Time { return time.Now() }
