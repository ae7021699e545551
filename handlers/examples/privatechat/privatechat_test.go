package privatechat

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
)

func serve(t *testing.T) *socketio.Server {
	t.Helper()
	s := socketiotest.NewServer(t, socketio.Options{})
	if err := Register(s); err != nil {
		t.Fatal(err)
	}
	return s
}

func as(nickname string) socketiotest.Options {
	return socketiotest.Options{Auth: map[string]string{"nickname": nickname}}
}

// arrive connects somebody and takes the list of users.
func arrive(t *testing.T, s *socketio.Server, nickname string) *socketiotest.Client {
	t.Helper()
	c := socketiotest.Connect(t, s, as(nickname))
	c.Receive("users")
	return c
}

func user(c *socketiotest.Client, nickname string) string {
	return fmt.Sprintf(`{"id":%q,"nickname":%q}`, c.ID(), nickname)
}

func hears(t *testing.T, c *socketiotest.Client, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := c.Next().String(); got != w {
			t.Fatalf("received %s, want %s", got, w)
		}
	}
}

// The newcomer learns who is there, the others of the newcomer, and of the end.
func TestUsers(t *testing.T) {
	s := serve(t)
	ada := socketiotest.Connect(t, s, as("Ada"))
	hears(t, ada, "users [["+user(ada, "Ada")+"]]")
	bob := socketiotest.Connect(t, s, as("  Bob  the  builder "))
	hears(t, bob, "users [["+user(ada, "Ada")+","+user(bob, "Bob the builder")+"]]")
	hears(t, ada, "user joined ["+user(bob, "Bob the builder")+"]")
	bob.Drop()
	hears(t, ada, "user left ["+user(bob, "Bob the builder")+"]")
	if got := ada.Call("users")[0].String(); got != "["+user(ada, "Ada")+"]" {
		t.Errorf("the users are %s", got)
	}
}

func TestRefusedNicknames(t *testing.T) {
	s := serve(t)
	ada := arrive(t, s, "Ada")
	for nickname, want := range map[string]string{
		"":                      errNoNickname.Error(),
		"  ":                    errNoNickname.Error(),
		"aDA":                   errTaken.Error(),
		strings.Repeat("é", 31): errLong.Error(),
	} {
		_, err := socketiotest.Dial(t, s, as(nickname))
		var refused *socketiotest.RefusedError
		if !errors.As(err, &refused) || refused.Message != want {
			t.Fatalf("%q: %v, want %q", nickname, err, want)
		}
		if want := fmt.Sprintf(`{"nickname":%q}`, nickname); refused.Data.String() != want {
			t.Errorf("%q: refused with %s, want %s", nickname, refused.Data, want)
		}
	}
	arrive(t, s, strings.Repeat("é", 30))
	ada.Receive("user joined")
	if more := ada.Received(); len(more) > 0 {
		t.Errorf("of the refused was told %v", more)
	}
}

// A nickname is free again once its owner has left or has another.
func TestNicknamesAreFreed(t *testing.T) {
	s := serve(t)
	watch, ada := arrive(t, s, "watch"), arrive(t, s, "Ada")
	watch.Receive("user joined")
	if got := ada.Call("nickname", "WATCH")[0].String(); got != `"the nickname is taken"` {
		t.Errorf("acknowledged with %s", got)
	}
	if got := ada.Call("nickname", "ada")[0].String(); got != `""` { // her own
		t.Errorf("acknowledged with %s", got)
	}
	ada.Call("nickname", "Countess")
	hears(t, watch, "user renamed ["+user(ada, "ada")+"]", "user renamed ["+user(ada, "Countess")+"]")
	other := arrive(t, s, "Ada")
	ada.Disconnect()
	hears(t, watch, "user joined ["+user(other, "Ada")+"]", "user left ["+user(ada, "Countess")+"]")
	arrive(t, s, "Countess")
}

// A private message reaches the one it is for, and says whom it is from.
func TestPrivateMessages(t *testing.T) {
	s := serve(t)
	ada, bob, eve := arrive(t, s, "Ada"), arrive(t, s, "Bob"), arrive(t, s, "Eve")
	ada.Receive("user joined")
	ada.Receive("user joined")
	bob.Receive("user joined")
	send := func(to, text string) string {
		forged := map[string]any{"id": eve.ID(), "nickname": "Eve"}
		return ada.Call("private message", map[string]any{"to": to, "text": text, "from": forged})[0].String()
	}
	if got := send(bob.ID(), "hi <b>"); got != "true" {
		t.Errorf("acknowledged with %s", got)
	}
	hears(t, bob, `private message [{"from":`+user(ada, "Ada")+`,"text":"hi <b>"}]`)
	if got := send("nobody", "hi"); got != "false" {
		t.Errorf("to nobody: acknowledged with %s", got)
	}
	for _, c := range []*socketiotest.Client{ada, bob, eve} {
		c.Call("users") // behind its acknowledgement nothing is outstanding
		if more := c.Received(); len(more) > 0 {
			t.Errorf("somebody received %v", more)
		}
	}
}

// Only the one who is typed to sees it.
func TestTyping(t *testing.T) {
	s := serve(t)
	ada, bob, eve := arrive(t, s, "Ada"), arrive(t, s, "Bob"), arrive(t, s, "Eve")
	ada.Receive("user joined")
	ada.Receive("user joined")
	bob.Receive("user joined")
	for _, typing := range []bool{true, false} {
		ada.Emit("typing", map[string]any{"to": bob.ID(), "typing": typing})
		hears(t, bob, fmt.Sprintf(`typing [{"from":%s,"typing":%v}]`, user(ada, "Ada"), typing))
	}
	ada.Emit("typing", map[string]any{"to": "", "typing": true})
	for _, c := range []*socketiotest.Client{ada, bob, eve} {
		c.Call("users")
		if more := c.Received(); len(more) > 0 {
			t.Errorf("somebody received %v", more)
		}
	}
}
