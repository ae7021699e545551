package socketio_test

import (
	"fmt"
	"regexp"
	"sync"
	"testing"
	"time"

	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
	"hipflask/testdata/testkit"
)

// A function, or a pattern, stands for namespaces as Of("*") does: the first that matches
// decides, a name that was registered comes before and "*" behind.
func TestNamespacesByFunction(t *testing.T) {
	s := serve(t, nil)
	who := func(name string) map[string]any { return map[string]any{"who": func() string { return name }} }
	rooms := s.OfFunc(regexp.MustCompile(`^/room-\d+$`).MatchString)
	register(t, rooms, who("room"))
	register(t, s.OfFunc(func(name string) bool { return len(name) == 7 }), who("seven"))
	register(t, s.OfFunc(func(string) bool { panic("a function of the application") }), who("never"))
	register(t, s.Of("/room-7"), who("own"))
	if _, err := socketiotest.Dial(t, s, socketiotest.Options{Namespace: "/other"}); err == nil {
		t.Error("a name that nothing stands for took a client")
	}
	register(t, s.Of("*"), who("any"))
	for name, want := range map[string]string{
		"/room-1": `"room"`, "/room-12": `"room"`, "/room-7": `"own"`, "/seven7": `"seven"`, "/room-x": `"seven"`, "/other": `"any"`,
	} {
		answers(t, joinAs(t, s, name).Call("who"), want)
	}
	one, two, seven := joinAs(t, s, "/room-1"), joinAs(t, s, "/room-2"), joinAs(t, s, "/seven7")
	if err := rooms.Emit("hi"); err != nil {
		t.Fatal(err)
	}
	hears(t, one, "hi []")
	hears(t, two, "hi []")
	if more := seven.Received(); len(more) > 0 {
		t.Errorf("another namespace received %v", more)
	}
}

// A namespace that clients brought into being is forgotten with the last of them, once
// its disconnect handler has run, and one that refuses everybody at once.
func TestNamespaceIsForgotten(t *testing.T) {
	s := serve(t, nil)
	waits := make(chan func(), 1)
	register(t, s.Of("*"), map[string]any{
		"connect": func(auth struct{ Refuse bool }) error {
			if auth.Refuse {
				return socketio.Refuse("no")
			}
			return nil
		},
		"disconnect": func(c *socketio.Context) error {
			done := make(chan struct{})
			waits <- func() { close(done) }
			<-done
			return c.To().Emit("left")
		},
	})
	one, two := joinAs(t, s, "/one"), joinAs(t, s, "/one")
	if _, err := socketiotest.Dial(t, s, socketiotest.Options{Namespace: "/refused", Auth: map[string]bool{"refuse": true}}); err == nil {
		t.Fatal("it was not refused")
	}
	joinAs(t, s, "/other")
	awaitDynamic(t, s, 2) // /one and /other: a client is told that it is refused just before
	one.Drop()
	testkit.Await(t, waits, "disconnect")()
	hears(t, two, "left []")
	two.Drop()
	last := testkit.Await(t, waits, "disconnect")
	if n := s.Dynamic(); n != 2 {
		t.Errorf("with a disconnect handler that has not returned there are %d namespaces, want 2", n)
	}
	three := joinAs(t, s, "/one")
	last()
	hears(t, three, "left []")
	if err := s.Of("*").Emit("still"); err != nil {
		t.Fatal(err)
	}
	hears(t, three, "still []")
	three.Drop()
	testkit.Await(t, waits, "disconnect")()
	awaitDynamic(t, s, 1)
	if n := s.InLibrary(); n != 1 {
		t.Errorf("the library knows %d namespaces, want 1", n)
	}
	go func() { testkit.Await(t, waits, "disconnect")() }() // of /other, when the server ends
}

// awaitDynamic waits until there are so many namespaces of clients.
func awaitDynamic(t *testing.T, s *socketio.Server, want int) {
	t.Helper()
	testkit.Eventually(t, fmt.Sprint(want, " namespaces"), func() bool { return s.Dynamic() == want })
}

// Of keeps a namespace for good.
func TestNamespaceThatOfNamedIsKept(t *testing.T) {
	s := serve(t, nil)
	register(t, s.Of("*"), map[string]any{"who": func() string { return "any" }})
	joinAs(t, s, "/named")
	named := s.Of("/named")
	joinAs(t, s, "/named").Drop()
	joinAs(t, s, "/named").Drop()
	c := joinAs(t, s, "/named")
	if err := named.Emit("hi"); err != nil {
		t.Fatal(err)
	}
	hears(t, c, "hi []")
	answers(t, c.Call("who"), `"any"`)
}

// With recovery a namespace is kept for as long as a client can come back to it, which
// then is sent what it missed.
func TestNamespaceIsKeptForRecovery(t *testing.T) {
	const keep = 300 * time.Millisecond
	for _, late := range []bool{false, true} {
		recovery := time.Minute
		if late {
			recovery = keep
		}
		s := socketiotest.NewServer(t, socketio.Options{Recovery: recovery})
		gone := make(chan struct{}, 10)
		register(t, s.Of("*"), map[string]any{
			"recovered":  func(c *socketio.Context) bool { return c.Recovered() },
			"event":      func(c *socketio.Context) error { return c.Emit("seen") },
			"disconnect": func() { gone <- struct{}{} },
		})
		c := joinAs(t, s, "/one")
		c.Call("event") // which has an offset
		key := c.Key()
		c.Drop()
		testkit.Await(t, gone, "disconnect")
		if late {
			awaitDynamic(t, s, 0)
		} else if err := s.Of("*").Emit("missed"); err != nil {
			t.Fatal(err)
		}
		c = socketiotest.Connect(t, s, socketiotest.Options{Namespace: "/one", Auth: key})
		answers(t, c.Call("recovered"), fmt.Sprint(!late))
		if !late {
			c.Receive("missed")
		}
	}
}

// Property: namespaces that come and go under many clients take everyone who asks, and
// whoever is in one hears what is said in it. In the end there is none.
func TestNamespacesThatComeAndGo(t *testing.T) {
	const clients, rounds, names = 8, 60, 3
	s := serve(t, nil)
	register(t, s.Of("*"), map[string]any{
		"say": func(c *socketio.Context, text string) error { return c.To().Emit("said", text) },
	})
	var work sync.WaitGroup
	for i := range clients {
		work.Go(func() {
			for round := range rounds {
				name := fmt.Sprintf("/%d", (i+round)%names)
				c, err := socketiotest.Dial(t, s, socketiotest.Options{Namespace: name})
				if err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				text := fmt.Sprint(i, round)
				c.Emit("say", text)
				for c.Next().String() != `said ["`+text+`"]` {
				}
				if round%2 == 0 {
					c.Drop()
				} else {
					c.Disconnect()
				}
			}
		})
	}
	work.Wait()
	awaitDynamic(t, s, 0)
	if n := s.InLibrary(); n != 0 {
		t.Errorf("the library knows %d namespaces, want none", n)
	}
}
