package main

import (
	"strings"
	"testing"

	"hipflask/server/hipflask/hipflasktest"
	"hipflask/server/socketio/socketiotest"
)

func named(name string) socketiotest.Options {
	return socketiotest.Options{Auth: map[string]string{"name": name}}
}

// awaitPeople receives until the list is this one.
func awaitPeople(t *testing.T, c *socketiotest.Client, want string) {
	t.Helper()
	for {
		if got := c.Receive("people").String(); got == "people ["+want+",true]" {
			return
		}
	}
}

func TestWhoIsThere(t *testing.T) {
	t.Setenv("PRESENCE_NAME", "one")
	app := hipflasktest.New(t, Register)
	ada := socketiotest.Connect(t, app.SocketIO, named("Ada"))
	const adaThere = `{"name":"Ada","server":"one","status":""}`
	awaitPeople(t, ada, "["+adaThere+"]")
	bob := socketiotest.Connect(t, app.SocketIO, named(" Bob\n<b> "))
	both := "[" + adaThere + `,{"name":"Bob<b>","server":"one","status":""}]`
	awaitPeople(t, ada, both)
	awaitPeople(t, bob, both)
	if got := bob.Call("status", "at lunch"); got[0].String() != `""` {
		t.Errorf("answered %s", got)
	}
	awaitPeople(t, ada, "["+adaThere+`,{"name":"Bob<b>","server":"one","status":"at lunch"}]`)
	bob.Drop()
	awaitPeople(t, ada, "["+adaThere+"]")
}

func TestWhatIsRefused(t *testing.T) {
	app := hipflasktest.New(t, Register)
	for _, name := range []string{"", " \t", strings.Repeat("x", maxName+1)} {
		if _, err := socketiotest.Dial(t, app.SocketIO, named(name)); err == nil {
			t.Errorf("%q came in", name)
		}
	}
	c := socketiotest.Connect(t, app.SocketIO, named(strings.Repeat("é", maxName)))
	if got := c.Call("status", strings.Repeat("x", maxStatus+1)); got[0].String() == `""` {
		t.Error("a long status was taken")
	}
}
