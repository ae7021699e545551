package accepted

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"hipflask/testdata/testkit"
)

// fake is a listener whose connections and errors the test hands in.
type fake chan any

func (f fake) Accept() (net.Conn, error) {
	switch v := (<-f).(type) {
	case net.Conn:
		return v, nil
	case error:
		return nil, v
	}
	return nil, net.ErrClosed
}
func (f fake) Close() error   { return nil }
func (f fake) Addr() net.Addr { return &net.TCPAddr{} }

// peer is a connection from an address that knows whether it was closed.
type peer struct {
	net.Conn
	addr   net.Addr
	closed bool
}

func from(addr string) *peer {
	return &peer{addr: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(addr))}
}

func (p *peer) Close() error         { p.closed = true; return nil }
func (p *peer) RemoteAddr() net.Addr { return p.addr }

// set is a Conns with a listener, and what it has told.
type set struct {
	*Conns
	l    net.Listener
	f    fake
	told []Why
}

func newSet(opts Options) *set {
	s := &set{f: make(fake, 10)}
	opts.Closed = func(why Why, _ net.Addr, _ int) { s.told = append(s.told, why) }
	s.Conns = New(opts)
	s.l = s.Listen(s.f)
	return s
}

// accept has p accepted; nil if it was not.
func (s *set) accept(p *peer) net.Conn {
	s.f <- p
	s.f <- io.EOF // where p is not taken
	nc, err := s.l.Accept()
	if err != nil {
		return nil
	}
	<-s.f
	s.Track(nc, http.StateNew)
	return nc
}

// The connection that has been idle for longest makes room, one that is needed never.
func TestRoomIsMade(t *testing.T) { synctest.Test(t, roomIsMade) }

func roomIsMade(t *testing.T) {
	s := newSet(Options{Limit: 3})
	var peers []*peer
	var conns []net.Conn
	for range 3 {
		p := from("192.0.2.1:1")
		peers, conns = append(peers, p), append(conns, s.accept(p))
		s.Track(conns[len(conns)-1], http.StateActive)
	}
	if s.accept(from("192.0.2.2:1")) != nil || s.told[0] != TooMany {
		t.Fatalf("a fourth was taken while three are busy, told %v", s.told)
	}
	s.Track(conns[0], http.StateHijacked)
	s.Track(conns[2], http.StateIdle)
	s.Track(conns[1], http.StateIdle)
	if s.accept(from("192.0.2.2:2")) == nil || !peers[2].closed || peers[1].closed || s.told[1] != Idle {
		t.Errorf("closed %v and %v, told %v; want the one that is idle for longest", peers[2].closed, peers[1].closed, s.told)
	}
	s.Track(conns[1], http.StateActive)
	last := from("192.0.2.2:3")
	if s.accept(last) == nil || last.closed { // the one before has said nothing
		t.Error("one that is silent was not closed for another")
	}
	before := time.Now()
	if s.accept(from("192.0.2.2:4")) == nil || time.Since(before) != grace {
		t.Errorf("%v passed before one was closed that had just come", time.Since(before))
	}
	if s.Open() != 3 || peers[0].closed || peers[1].closed {
		t.Errorf("%d are open, a WebSocket closed: %v", s.Open(), peers[0].closed)
	}
	_ = conns[0].Close()
	_ = conns[0].Close()
	s.Track(conns[1], http.StateClosed)
	if s.Open() != 2 {
		t.Errorf("%d are open after an end, want 2", s.Open())
	}
}

func TestFilesRunOut(t *testing.T) { synctest.Test(t, filesRunOut) }

func filesRunOut(t *testing.T) {
	s := newSet(Options{})
	idle, busy := from("192.0.2.1:1"), from("192.0.2.1:2")
	s.accept(idle)
	s.Track(s.accept(busy), http.StateActive)
	s.f <- error(syscall.EMFILE)
	s.f <- from("192.0.2.1:3")
	if nc, err := s.l.Accept(); err != nil || nc == nil || !idle.closed || busy.closed {
		t.Errorf("%v; the idle one closed: %v, the busy one: %v", err, idle.closed, busy.closed)
	} else {
		s.Track(nc, http.StateActive)
	}
	s.f <- error(syscall.EMFILE)
	if _, err := s.l.Accept(); !errors.Is(err, syscall.EMFILE) {
		t.Errorf("without one that is idle: %v", err)
	}
}

func TestPerAddress(t *testing.T) {
	proxy := netip.MustParseAddr("198.51.100.1")
	s := newSet(Options{PerAddress: 2, Exempt: func(a netip.Addr) bool { return a == proxy }})
	for addr, takes := range map[string]int{
		"192.0.2.1:1": 2, "[2001:db8::1]:1": 2, "198.51.100.1:1": 5, "127.0.0.9:1": 5, "[::1]:1": 5, "[::ffff:127.0.0.1]:1": 5,
	} {
		var last net.Conn
		taken := 0
		for range 5 {
			if nc := s.accept(from(addr)); nc != nil {
				last, taken = nc, taken+1
			}
		}
		if taken != takes {
			t.Errorf("%s: %d of 5, want %d", addr, taken, takes)
		}
		_ = last.Close()
		if s.accept(from(addr)) == nil {
			t.Errorf("%s: none is taken after an end", addr)
		}
	}
	if s.accept(from("[2001:db8:0:0:ffff::]:1")) != nil {
		t.Error("one more of a /64 network was taken")
	}
	for range 3 {
		if s.accept(&peer{addr: &net.UnixAddr{}}) == nil {
			t.Error("clients of a Unix socket are counted as one address")
		}
	}
}

// A connection under TLS is found, and one of somebody else is not.
func TestBeneath(t *testing.T) {
	s := newSet(Options{})
	nc := s.accept(from("192.0.2.1:1"))
	if beneath(tls.Server(nc, nil)) != nc || beneath(from("192.0.2.1:1")) != nil || beneath(nil) != nil {
		t.Error("the wrong connection was found")
	}
}

// net/http serves through it as through a plain connection, and what was hijacked counts until it
// is closed.
func TestHTTP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conns := New(Options{})
	hijacked := make(chan net.Conn, 1)
	server := &http.Server{ConnState: conns.Track, ReadHeaderTimeout: testkit.Deadline, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if nc, _, err := http.NewResponseController(w).Hijack(); err == nil {
			hijacked <- nc
		}
	})}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(conns.Listen(l)) }()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	nc := testkit.Await(t, hijacked, "connection")
	if conns.Open() != 1 || conns.makeRoom() {
		t.Errorf("%d are open, want the hijacked one, which is not idle", conns.Open())
	}
	_ = nc.(*Conn).CloseWrite()
	_ = client.SetReadDeadline(time.Now().Add(testkit.Deadline))
	if _, err := client.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("after CloseWrite the client reads %v", err)
	}
	_ = nc.Close()
	if err := server.Close(); err != nil || conns.Open() != 0 {
		t.Errorf("%d are open at the end, %v", conns.Open(), err)
	}
	if err := testkit.Await(t, ended, "end of the server"); !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}
