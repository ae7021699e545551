package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"hipflask/server/hipflask"
	"hipflask/server/hipflask/hipflasktest"
	"hipflask/server/socketio/socketiotest"
)

// serve also returns the lobby, whose clock a test cannot wait for.
func serve(t *testing.T) (*hipflasktest.App, *lobby) {
	t.Helper()
	var l *lobby
	return hipflasktest.New(t, func(app *hipflask.App) error {
		l = newLobby(app.SocketIO)
		return register(app, l)
	}), l
}

// enter comes in with a name, or comes back with a token.
func enter(t *testing.T, app *hipflasktest.App, name, token string) (*socketiotest.Client, welcome) {
	t.Helper()
	c := socketiotest.Connect(t, app.SocketIO, socketiotest.Options{Auth: credentials{name, token}})
	var w welcome
	decode(t, c, "welcome", &w)
	return c, w
}

// decode waits for an event and stores its one argument.
func decode(t *testing.T, c *socketiotest.Client, event string, into any) {
	t.Helper()
	got := c.Receive(event)
	if err := json.Unmarshal([]byte(got.Args[0].String()), into); err != nil {
		t.Fatalf("%v in %s", err, got)
	}
}

// asks calls an event and compares the answer.
func asks(t *testing.T, c *socketiotest.Client, want problem, event string, args ...any) {
	t.Helper()
	var got problem
	if err := json.Unmarshal([]byte(c.Call(event, args...)[0].String()), &got); err != nil || got != want {
		t.Errorf("%s %.50v: acknowledged with %q, want %q; %v", event, args, got, want, err)
	}
}

func TestWhoMayEnter(t *testing.T) {
	app, _ := serve(t)
	long := strings.Repeat("é", maxName)
	enter(t, app, long, "")
	for _, auth := range []any{nil, credentials{}, credentials{long + "é", ""}, credentials{"a\nb", ""}, credentials{"", "a guess"}} {
		var refused *socketiotest.RefusedError
		_, err := socketiotest.Dial(t, app.SocketIO, socketiotest.Options{Auth: auth})
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), string(errName)) {
			t.Errorf("%.50v: %v", auth, err)
		}
	}
}

// A crowd is refused, except for whoever is part of it.
func TestLobbyIsFull(t *testing.T) {
	app, l := serve(t)
	ada, adaIs := enter(t, app, "Ada", "")
	l.mu.Lock()
	for len(l.players) < maxPlayers {
		p := &player{id: l.nextLocked(), name: "Bob", connections: 1}
		l.players[p.id] = p
	}
	l.mu.Unlock()
	if _, err := socketiotest.Dial(t, app.SocketIO, socketiotest.Options{Auth: credentials{"Eve", ""}}); err == nil || !strings.Contains(err.Error(), string(errCrowd)) {
		t.Errorf("got %v", err)
	}
	ada.Drop()
	enter(t, app, "", adaIs.Token)
}

// A game from its creation to its end, with what players may not do on the way.
func TestGame(t *testing.T) {
	app, _ := serve(t)
	ada, adaIs := enter(t, app, "Ada", "")
	bob, bobIs := enter(t, app, "Bob", "")
	eve, _ := enter(t, app, "Eve", "")
	asks(t, ada, errNone, "ready", true)
	asks(t, ada, errNone, "leave")
	asks(t, ada, errTitle, "create", strings.Repeat("x", maxTitle+1))
	asks(t, ada, "", "create", "duel")
	asks(t, ada, errInGame, "create", "another")
	var g gameView
	decode(t, ada, "game", &g)
	asks(t, bob, errNoGame, "join", "none")
	asks(t, bob, "", "join", g.ID)
	asks(t, bob, errInGame, "join", g.ID)
	asks(t, eve, errFull, "join", g.ID)
	asks(t, ada, errNotReady, "start")
	asks(t, ada, "", "ready", true)
	asks(t, bob, "", "ready", true)
	asks(t, bob, errNotHost, "start")
	asks(t, bob, errNotYet, "move", 0)
	asks(t, ada, "", "start")
	asks(t, ada, errPlaying, "start")
	asks(t, ada, errPlaying, "ready", false)
	asks(t, bob, errNotTurn, "move", 0)
	asks(t, ada, "", "move", 4)
	for _, cell := range []int{4, -1, 9, 1 << 40} {
		asks(t, bob, errTaken, "move", cell)
	}
	asks(t, bob, "", "move", 0)
	asks(t, ada, "", "move", 1)
	asks(t, bob, "", "move", 2)
	asks(t, ada, "", "move", 7)
	asks(t, bob, errNotYet, "move", 8)
	for g.State != over {
		decode(t, bob, "game", &g)
	}
	if g.Winner != adaIs.ID || g.Turn != "" || g.Board != [9]string{"O", "X", "O", "", "X", "", "", "X", ""} {
		t.Errorf("in the end %+v", g)
	}

	asks(t, ada, "", "leave")
	decode(t, bob, "game", &g)
	if g.State != waiting || len(g.Players) != 1 || g.Players[0].ID != bobIs.ID || g.Board != [9]string{} {
		t.Errorf("without the host %+v", g)
	}
	asks(t, bob, "", "leave")
	var view lobbyView
	for _, games := range []int{1, 0} { // there was one, and it has gone
		for decode(t, eve, "lobby", &view); len(view.Games) != games; {
			decode(t, eve, "lobby", &view)
		}
	}
	asks(t, eve, errNoGame, "join", g.ID)
}

// Who comes back with the token is in the game; who does not is out of it in the end.
func TestComingBack(t *testing.T) {
	app, l := serve(t)
	ada, adaIs := enter(t, app, "Ada", "")
	asks(t, ada, "", "create", "duel")
	bob, bobIs := enter(t, app, "Bob", "")
	var g gameView
	decode(t, ada, "game", &g)
	asks(t, bob, "", "join", g.ID)
	bob.Drop()
	for len(g.Players) < 2 || g.Players[1].Here {
		decode(t, ada, "game", &g)
	}
	l.sweep(time.Now().Add(keep / 2))

	bob, again := enter(t, app, "Mallory", bobIs.Token)
	if again != bobIs {
		t.Errorf("came back as %+v, was %+v", again, bobIs)
	}
	decode(t, bob, "game", &g)
	if len(g.Players) != 2 || g.Players[1].playerView != (playerView{bobIs.ID, "Bob", true}) {
		t.Errorf("came back to %+v", g)
	}
	bob.Drop()
	for len(g.Players) < 2 || g.Players[1].Here {
		decode(t, ada, "game", &g)
	}
	l.sweep(time.Now().Add(2 * keep))
	for len(g.Players) > 1 {
		decode(t, ada, "game", &g)
	}
	if g.Players[0].ID != adaIs.ID {
		t.Errorf("left is %+v", g)
	}
	if _, is := enter(t, app, "Bob", bobIs.Token); is.ID == bobIs.ID {
		t.Error("the token counts for ever")
	}
}

func TestDraw(t *testing.T) {
	ada, bob := &player{id: "1"}, &player{id: "2"}
	g := newGame("3", "duel", ada)
	err := errors.Join(g.join(bob), g.setReady(ada, true), g.setReady(bob, true), g.start(ada))
	for i, cell := range []int{0, 1, 2, 4, 3, 5, 7, 6, 8} {
		err = errors.Join(err, g.move(g.players[i%2], cell))
	}
	if err != nil || g.state != over || g.winner != nil {
		t.Errorf("%v, %+v", err, g)
	}
}
