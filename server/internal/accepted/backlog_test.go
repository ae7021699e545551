package accepted

import (
	"context"
	"net"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"hipflask/server/internal/freeze"
	"hipflask/testdata/testkit"
)

// The kernel's connections are known that nobody has accepted, and a listener without any is
// closed at once.
func TestBacklog(t *testing.T) {
	tcp, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := New(Options{}).Listen(freeze.Listener(tcp))
	beneath, ok := l.(*listener).Listener.(syscall.Conn)
	if !ok {
		t.Fatal("the socket is not known")
	}
	raw, err := beneath.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if hasBacklog(raw) {
		t.Error("a backlog of nothing")
	}
	conn, err := testkit.DialTCP(tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	testkit.Eventually(t, "backlog", func() bool { return hasBacklog(raw) })
	if nc, err := l.Accept(); err != nil || hasBacklog(raw) {
		t.Errorf("%v, and a backlog after what there was is accepted: %v", err, hasBacklog(raw))
	} else {
		_ = nc.Close()
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func TestAwaitRequests(t *testing.T) { synctest.Test(t, awaitRequests) }

func awaitRequests(t *testing.T) {
	s := newSet(Options{})
	one, other := s.accept(from("192.0.2.1:1")), s.accept(from("192.0.2.1:2"))
	s.Track(one, http.StateActive)
	s.Track(one, http.StateIdle)
	time.AfterFunc(time.Second, func() { s.Track(other, http.StateActive) })
	begun := time.Now()
	s.AwaitRequests(t.Context())
	if took := time.Since(begun); took < time.Second || took > time.Second+10*backlogTick {
		t.Errorf("it took %v until each connection had a request, want a second", took)
	}
	s.accept(from("192.0.2.1:3"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	begun = time.Now()
	if s.AwaitRequests(ctx); time.Since(begun) != time.Second {
		t.Errorf("one that is silent was waited for for %v", time.Since(begun))
	}
}
