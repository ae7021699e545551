package engineio

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// enters checks whether a client of this address is let in, or for which cause it is refused.
func enters(t *testing.T, a *admission, remote string, cause Cause) *addressCount {
	t.Helper()
	p, no := a.enter(remote, false)
	var got Cause
	if no != nil {
		got = no.cause
	}
	if got != cause {
		t.Errorf("%s is refused by %q, want %q", remote, got, cause)
	}
	return p
}

func TestAdmissionCountsConnections(t *testing.T) {
	a := newAdmission(Bounds{Connections: 2})
	enters(t, a, "192.0.2.1:1", "")
	p := enters(t, a, "192.0.2.1:2", "")
	enters(t, a, "192.0.2.1:3", CauseConnections)
	a.leave(p, false)
	enters(t, a, "192.0.2.1:4", "")
	enters(t, a, "192.0.2.1:5", CauseConnections)
}

// WebSockets have a bound of their own, and those count that sessions go over to.
func TestAdmissionCountsWebSockets(t *testing.T) {
	a := newAdmission(Bounds{Connections: 10, WebSockets: 2})
	first, no := a.enter("192.0.2.1:1", true)
	if no != nil || a.upgrade() != nil {
		t.Fatal("refused within the limit")
	}
	if _, no := a.enter("192.0.2.1:2", true); no == nil || no.bound != BoundWebSockets || a.upgrade() == nil {
		t.Error("three WebSockets, want two")
	}
	enters(t, a, "192.0.2.1:3", "") // it polls
	a.giveUp()
	a.leave(first, true)
	if a.sockets != 0 || a.upgrade() != nil {
		t.Errorf("%d WebSockets are left", a.sockets)
	}
}

const perAddress = CauseAddress

// An address is one whatever its port and form; of IPv6 it is a network of 64 bits.
func TestAdmissionCountsAddresses(t *testing.T) {
	a := newAdmission(Bounds{ConnectionsPerAddress: 1})
	groups := [][]string{
		{"192.0.2.1:1", "192.0.2.1:2", "192.0.2.1", "[::ffff:192.0.2.1]:3"},
		{"192.0.2.2:1", "192.0.2.2"},
		{"[2001:db8::1]:1", "2001:db8::2", "[2001:db8:0:0:ffff::]:2"},
		{"[2001:db8:0:1::1]:1", "2001:db8:0:1::1"},
		{"@", "", "unix"},
	}
	for _, group := range groups {
		p := enters(t, a, group[0], "")
		for _, remote := range group[1:] {
			enters(t, a, remote, perAddress)
		}
		a.leave(p, false)
		enters(t, a, group[len(group)-1], "")
		enters(t, a, group[0], perAddress)
	}
	if len(a.counts) != len(groups) {
		t.Errorf("%d addresses are counted, want %d", len(a.counts), len(groups))
	}
}

func TestAdmissionForgetsAddresses(t *testing.T) {
	a := newAdmission(Bounds{ConnectionsPerAddress: 2})
	var counts []*addressCount
	for i := range 500 {
		counts = append(counts, enters(t, a, fmt.Sprintf("192.0.2.%d:1", i%250), ""))
	}
	enters(t, a, "192.0.2.1:1", perAddress)
	for _, p := range counts {
		a.leave(p, false)
	}
	if len(a.counts) != 0 || a.sessions != 0 {
		t.Errorf("%d addresses and %d sessions are left of none", len(a.counts), a.sessions)
	}
}

// As many handshakes as may come in a second may come at once. What other limits refuse does not
// count.
func TestAdmissionPacesHandshakes(t *testing.T) {
	const perSecond = CauseHandshakeRate
	synctest.Test(t, func(t *testing.T) {
		a := newAdmission(Bounds{Handshakes: 10, ConnectionsPerAddress: 9})
		for range 9 {
			enters(t, a, "192.0.2.1:1", "")
		}
		for range 100 {
			enters(t, a, "192.0.2.1:1", perAddress)
		}
		enters(t, a, "192.0.2.2:1", "")
		enters(t, a, "192.0.2.3:1", perSecond)
		time.Sleep(100 * time.Millisecond)
		enters(t, a, "192.0.2.3:1", "")
		enters(t, a, "192.0.2.4:1", perSecond)
		time.Sleep(time.Hour)
		for i := range 10 {
			enters(t, a, fmt.Sprintf("192.0.2.%d:1", 10+i), "")
		}
		enters(t, a, "192.0.2.99:1", perSecond)
	})
}

// A session counts from its handshake until it is gone, whatever its transport, and a handshake
// that fails does not.
func TestBoundsHoldForEveryTransport(t *testing.T) {
	f := start(t, func(c *Config) { c.Bounds = Bounds{Connections: 3} })
	_, query := f.polling(4)
	_, p := f.websocket(4)
	_, plain := f.plain()
	full := func() {
		t.Helper()
		f.turnedAway(http.MethodGet, "EIO=4&transport=polling", http.StatusServiceUnavailable, "Too many connections")
		for _, path := range []string{"/engine.io/?EIO=4&transport=websocket", "/plain"} {
			if got := f.handshake(path, "13"); got != http.StatusServiceUnavailable {
				t.Errorf("%s was answered %d, want 503", path, got)
			}
		}
	}
	full()
	for _, leave := range []func(){func() { f.post(query, "1") }, p.cut, plain.cut} {
		leave()
		f.await(func() bool { return f.srv.Count() == 2 })
		for range 5 {
			if got := f.handshake("/plain", "12"); got != http.StatusUpgradeRequired {
				t.Fatalf("a bad handshake was answered %d, want 426", got)
			}
		}
		f.polling(4)
		full()
	}
}

func TestBoundsPerAddress(t *testing.T) {
	f := start(t, func(c *Config) { c.Bounds = Bounds{ConnectionsPerAddress: 1} })
	o, _ := f.polling(4)
	f.turnedAway(http.MethodGet, "EIO=4&transport=polling", http.StatusTooManyRequests, "Too many connections from this address")
	o.abort(ServerClose)
	f.polling(4)
}

func TestBoundsOnHandshakes(t *testing.T) {
	f := start(t, func(c *Config) { c.Bounds = Bounds{Handshakes: 1} })
	f.polling(4)
	f.turnedAway(http.MethodGet, "EIO=4&transport=polling", http.StatusServiceUnavailable, "Too many new connections")
	f.await(func() bool { // a second later
		status, _, err := f.do(http.MethodGet, "EIO=4&transport=polling", "")
		return err == nil && status == http.StatusOK
	})
	f.opening()
}
