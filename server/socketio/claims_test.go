package socketio

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/packet"
	"hipflask/testdata/testkit"
)

// nobody receives what a session sends, and is closed with it.
type nobody chan struct{}

func (nobody) Text([]byte) error        { return nil }
func (nobody) Binary([]byte) error      { return nil }
func (n nobody) Closed(engineio.Reason) { close(n) }

// Done is closed with the session.
func (n nobody) Done() <-chan struct{} { return n }

// peer is one session, and its end.
type peer struct {
	session *engineio.Session
	nobody
}

// peers makes sessions without a server behind them.
func peers(t *testing.T, n int) []peer {
	t.Helper()
	s := New(Options{Logger: slog.New(slog.DiscardHandler)})
	var all []peer
	cfg := s.opts.Engine
	cfg.Open = func(session *engineio.Session) engineio.Receiver {
		all = append(all, peer{session, make(nobody)})
		return all[len(all)-1]
	}
	engine := engineio.NewServer(cfg)
	get := func(query string) {
		r := httptest.NewRequest(http.MethodGet, "/socket.io/?EIO=4&transport=polling"+query, nil)
		engine.ServeHTTP(httptest.NewRecorder(), r)
	}
	t.Cleanup(func() {
		for _, p := range all {
			p.session.Close(engineio.TransportClose)
			get("&sid=" + p.session.ID()) // its end, which Shutdown else waits for
		}
		for _, end := range []func(context.Context) error{engine.Shutdown, s.Shutdown} {
			if err := end(context.Background()); err != nil {
				t.Error(err)
			}
		}
	})
	for range n {
		get("")
	}
	return all
}

// connect is a CONNECT of a client that says which session it had.
func connect(namespace string) *packet.Packet {
	return &packet.Packet{Type: packet.Connect, Namespace: namespace, Data: []byte(`{"pid":"p","offset":"o"}`)}
}

func TestClaims(t *testing.T) {
	all := peers(t, 3)
	old, back, late := all[0], all[1], all[2]
	s := &claims{timeout: time.Minute}
	first := s.answered("p", "/", old.session, nil)
	if first == nil || s.by["p"] != first {
		t.Fatal("a new client does not have its session")
	}
	// Of another namespace, or of the connection that has it, nobody gets it, nor is it ended.
	if mine, _ := s.comeBack(connect("/other"), back.session, back); mine != nil {
		t.Error("one of another namespace got the session")
	}
	if mine, _ := s.comeBack(connect("/"), old.session, old); mine != nil {
		t.Error("a connection got its own session")
	}
	select {
	case <-old.Done():
		t.Error("its connection was ended for them")
	default:
	}
	// Who comes back has it once the old connection is handled: until then it waits.
	go func() {
		<-old.Done()
		s.release(first)
	}()
	mine, offset := s.comeBack(connect("/"), back.session, back)
	if mine == nil || offset != "o" || s.by["p"] != mine {
		t.Fatalf("it got %v with the offset %q", mine, offset)
	}
	if s.answered("p", "/", back.session, mine) != mine {
		t.Error("it was told of the session, and has another")
	}
	// Who leaves while it waits gets nothing.
	late.session.Close(engineio.TransportClose)
	if mine, _ := s.comeBack(connect("/"), late.session, late); mine != nil {
		t.Error("who has left got the session")
	}
	testkit.Await(t, back.Done(), "end of the connection")
	s.release(mine)
	if len(s.by) > 0 {
		t.Error("claims are left")
	}
}

// Handlers of the old connection do not end: whoever comes back is a new client.
func TestClaimIsNotWaitedForInVain(t *testing.T) {
	all := peers(t, 2)
	s := &claims{timeout: time.Millisecond}
	first := s.answered("p", "/", all[0].session, nil)
	if mine, _ := s.comeBack(connect("/"), all[1].session, all[1]); mine != nil {
		t.Error("two have one session")
	}
	if s.by["p"] != first {
		t.Error("the old connection has lost its session")
	}
}
