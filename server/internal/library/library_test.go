package library

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/packet"
	"hipflask/testdata/testkit"
)

func asJSON(t *testing.T, v any) string {
	t.Helper()
	value, err := packet.NewValue(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(value.JSON)
}

// Nobody else knows the library, but for the programs in testdata, which "..." leaves out.
func TestNobodyElseImportsTheLibrary(t *testing.T) {
	list := exec.Command("go", "list", "-json=ImportPath,Imports", "hipflask/...")
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var importers []string
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(p.Imports, func(path string) bool { return strings.HasPrefix(path, "github.com/zishang520/") }) {
			importers = append(importers, p.ImportPath)
		}
	}
	if want := []string{"hipflask/server/internal/library"}; !slices.Equal(importers, want) {
		t.Errorf("the library is imported by %q, want %q alone", importers, want)
	}
}

// owner is a session's owner that notes what it is asked and told.
type owner struct {
	session *engineio.Session
	conn    *Conn
	refuse  *Refusal
	client  *Client
	pid     string
	told    []string
}

func (o *owner) Text([]byte) error        { return nil }
func (o *owner) Binary([]byte) error      { return nil }
func (o *owner) Closed(r engineio.Reason) {}

func (o *owner) Disconnect() { o.client.Disconnect() }
func (o *owner) Close()      { o.session.Close(engineio.ServerClose) }

func (o *owner) Connecting(c *Client) *Refusal {
	o.told = append(o.told, "connecting "+c.Rooms().Name())
	if o.refuse == nil {
		o.client = c
		m := c.Rooms().Introduce(c.ID(), o.session, o)
		m.Join(c.ID())
		if m.Recovered() {
			o.told = append(o.told, "recovered")
		}
	}
	return o.refuse
}

func (o *owner) Answered(pid string) { o.pid = pid }

func (o *owner) Connected(c *Client) {
	o.told = append(o.told, "connected")
	c.Rooms().Member(c.ID()).Admit()
}

func (o *owner) Disconnected(_ *Client, reason string) { o.told = append(o.told, reason) }

// hears checks what the owner was told since.
func (o *owner) hears(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(o.told, want) {
		t.Errorf("told %q, want %q", o.told, want)
	}
	o.told = nil
}

// world is a server and its engine.
type world struct {
	t      *testing.T
	engine *engineio.Server
	server *Server
	opened chan *owner
}

func newWorld(t *testing.T, recovery time.Duration) *world {
	w := &world{t: t, opened: make(chan *owner, 1)}
	w.engine = engineio.NewServer(engineio.Config{Polling: true, Open: func(s *engineio.Session) engineio.Receiver {
		o := &owner{session: s}
		w.opened <- o
		return o
	}})
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // nobody polls any more
		_ = w.engine.Shutdown(ctx)
	})
	w.server = New(Options{
		Rooms: func(name string) *fanout.Adapter {
			return fanout.New(name, fanout.Config{Engine: w.engine, Recovery: recovery})
		},
		Recovery: recovery,
		Failed:   func(err error) { t.Error("packet not sent:", err) },
	})
	w.server.Of("/")
	return w
}

// open opens a session of that revision of Engine.IO, which polls no more.
func (w *world) open(revision string) *owner {
	w.engine.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/?transport=polling&EIO="+revision, nil))
	select {
	case o := <-w.opened:
		o.conn = w.server.Open(o.session, o)
		o.conn.Begin()
		return o
	case <-time.After(testkit.Deadline):
		w.t.Fatal("no session was opened")
		panic("unreachable")
	}
}

// A session's owner is asked and told in order, and each method returns once the library is done.
func TestConnection(t *testing.T) {
	w := newWorld(t, 0)
	o := w.open("4")
	o.hears(t)
	o.conn.Connect("/", "", "")
	o.hears(t, "connecting /", "connected")
	o.conn.Leave("/")
	o.hears(t, "client disconnect")
	o.conn.Connect("/nowhere", "", "")
	o.hears(t)
	o.refuse = &Refusal{Message: "no"}
	o.conn.Connect("/", "", "")
	o.hears(t, "connecting /")
	o.refuse = nil
	o.conn.Connect("/", "", "")
	o.client.Disconnect()
	o.hears(t, "connecting /", "connected", "server disconnect")
	o.conn.Connect("/", "", "")
	o.conn.End(engineio.PingTimeout)
	o.hears(t, "connecting /", "connected", string(engineio.PingTimeout))
	o.client.Disconnect()
	o.conn.Connect("/", "", "") // nobody is there any more
	o.conn.End(engineio.PingTimeout)
	o.hears(t)
	if rooms := o.client.Rooms().Rooms(); len(rooms) != 0 {
		t.Errorf("rooms %q are left", rooms)
	}
}

// A client of Engine.IO 3 is connected without asking, and its names are no URLs.
func TestConnectionOfEngineIO3(t *testing.T) {
	w := newWorld(t, 0)
	w.server.Of("/a")
	o := w.open("3")
	o.hears(t, "connecting /", "connected")
	if !o.conn.Connect("/a", "", "") {
		t.Error("/a could not be asked for")
	}
	o.hears(t, "connecting /a", "connected")
	for _, name := range []string{"/a#b", "/a%62", "//a/b", "/a?b"} {
		if o.conn.Connect(name, "", "") {
			t.Errorf("%s was asked for", name)
		}
	}
	o.hears(t)
	o.conn.End(engineio.ClientDisconnect)
	o.hears(t, string(engineio.ClientDisconnect), string(engineio.ClientDisconnect))
}

// A client that was cut off comes back to its session, by its key, once; also one that
// ended its session.
func TestConnectionComesBack(t *testing.T) {
	w := newWorld(t, time.Minute)
	one := w.open("4")
	one.conn.Connect("/", "", "")
	one.hears(t, "connecting /", "connected")
	one.client.Rooms().Member(one.client.ID()).Join("room")
	one.conn.End(engineio.ClientDisconnect)
	one.hears(t, string(engineio.ClientDisconnect))
	two := w.open("4")
	two.conn.Connect("/", one.pid, fanout.NoOffset)
	two.hears(t, "connecting /", "recovered", "connected")
	if id := two.client.ID(); id != one.client.ID() || two.pid != one.pid || !two.client.Rooms().HasRoom("room") {
		t.Errorf("it is %q with the key %q, want %q, %q", id, two.pid, one.client.ID(), one.pid)
	}
	three := w.open("4")
	three.conn.Connect("/", one.pid, fanout.NoOffset)
	three.hears(t, "connecting /", "connected")
}

// A namespace that was created is there until it is forgotten, and not before, though its clients
// leave; what is left of it does no harm to the next of its name.
func TestCreatedNamespaces(t *testing.T) {
	w := newWorld(t, 0)
	first, forget := w.server.Create("/x")
	o := w.open("4")
	for range 2 {
		o.conn.Connect("/x", "", "")
		o.conn.Leave("/x")
		o.hears(t, "connecting /x", "connected", "client disconnect")
	}
	o.refuse = &Refusal{Message: "no"}
	o.conn.Connect("/x", "", "")
	o.hears(t, "connecting /x")
	o.refuse = nil
	if n := w.server.Created(); n != 1 || o.client.Rooms() != first {
		t.Errorf("%d namespaces, want 1", n)
	}
	o.conn.Connect("/x", "", "")
	forget()
	if n := w.server.Created(); n != 0 {
		t.Errorf("%d namespaces, want none", n)
	}
	other := w.open("4")
	other.conn.Connect("/x", "", "")
	other.hears(t)
	second, _ := w.server.Create("/x")
	o.client.Disconnect() // from the first
	other.conn.Connect("/x", "", "")
	other.hears(t, "connecting /x", "connected")
	if n := w.server.Created(); n != 1 || first == second || other.client.Rooms() != second {
		t.Errorf("%d namespaces, want the second", n)
	}
}
