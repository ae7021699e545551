// Package porting has the Go of handlers/PORTING.md, each piece word for word: its
// test compares them, and runs them beside the Python of that page.
package porting

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hipflask/server/flasksession"
	"hipflask/server/hipflask"
	"hipflask/server/socketio"
)

// application is what handlers and routes share: what is a global in Python is a field
// here.
type application struct {
	s        *socketio.Server
	sessions *flasksession.Sessions
}

func Register(app *hipflask.App) error {
	s := app.SocketIO
	a := &application{s: s, sessions: app.Sessions}
	a.routes(app)
	return errors.Join(
		s.On("my event", a.handleMyEvent),
		s.On("other event", a.handleMyEvent),
		s.Of("/test").On("my event", a.handleTest),
		a.registerRest(),
	)
}

func (a *application) handleMyEvent(data Data) {
	fmt.Println(data.N)
}

func (a *application) handleTest(c *socketio.Context, data Data) error {
	return c.Emit("r", data.N+1)
}

type Data struct {
	N int `json:"n"`
}

// registerRest registers what comes further down on the page.
func (a *application) registerRest() error {
	a.s.OnError(a.handleError)
	a.s.OnErrorDefault(a.handleAnyError)
	a.s.Go(a.count)
	a.s.Of("/members").Use(membersOnly)
	return errors.Join(
		a.s.On("upload", a.handleUpload),
		a.s.On("keep", a.handleKeep),
		a.s.On("sum", a.handleSum),
		a.s.On("divide", a.handleDivide),
		a.s.On("nothing", a.handleNothing),
		a.s.On("count to", a.handleCountTo),
		a.s.On("find", a.handleFind),
		a.s.On("connect", a.handleConnect),
		a.s.On("disconnect", a.handleDisconnect),
		a.s.Of("/rooms").On("enter", a.handleEnter),
		a.s.Of("/rooms").On("disconnect", a.handleGone),
		a.s.Of("/hall").On("come", a.handleCome),
		a.s.Of("/hall").On("who", a.handleWhoIsThere),
		a.s.Of("/hall").On("how many", a.handleHowMany),
		a.s.On("ask", a.handleAsk),
		a.s.On("tell", a.handleTell),
		a.s.On("tell other", a.handleTellOther),
		a.s.On("visit", a.handleVisit),
		a.s.On("whoami", a.handleWhoami),
		a.s.On("*", a.handleAnything),
		a.s.Of("*").On("who", a.handleWho),
		a.s.Of("/chat").Handle(&Chat{}),
	)
}

func (a *application) handleUpload(name string, content []byte) int {
	return len(content)
}

func (a *application) handleKeep(c *socketio.Context, data socketio.Value) error {
	fmt.Println("kept", data)
	return c.Emit("kept", data)
}

func (a *application) handleSum(numbers ...int) (sum int) {
	for _, n := range numbers {
		sum += n
	}
	return sum
}

func (a *application) handleDivide(n, by int) (int, int, error) {
	if by == 0 {
		return 0, 0, errors.New("division by zero")
	}
	return n / by, n % by, nil
}

func (a *application) handleNothing() {}

func (a *application) handleCountTo(n int) (numbers socketio.Args) {
	for i := range n {
		numbers = append(numbers, i+1)
	}
	return numbers
}

func (a *application) handleFind(name string) socketio.Args {
	return socketio.Args{nil}
}

func (a *application) handleConnect(c *socketio.Context, auth struct{ Token string }) error {
	if auth.Token != "secret" {
		return &socketio.Refusal{Message: "wrong token", Data: map[string]int{"code": 7}}
	}
	return c.Emit("welcome")
}

func (a *application) handleDisconnect(c *socketio.Context, reason string) {
	fmt.Println(c.ID(), reason)
}

func (a *application) handleEnter(c *socketio.Context, name, room string) {
	c.Set("name", name)
	c.Join(room)
}

func (a *application) handleGone(c *socketio.Context) error {
	return c.To(c.Rooms()...).Emit("left", c.Get("name"))
}

func (a *application) handleCome(c *socketio.Context, name string) {
	c.SetData("name", name)
	c.Join("hall")
}

func (a *application) handleWhoIsThere(c *socketio.Context) (names []string, err error) {
	people, err := c.To("hall").Sockets(c.Context())
	for _, p := range people {
		names = append(names, p.Data["name"].String())
	}
	slices.Sort(names)
	return names, err
}

func (a *application) handleHowMany(c *socketio.Context) (int, error) {
	return c.To("hall").Count(c.Context())
}

func (a *application) handleAsk(c *socketio.Context) error {
	ctx, cancel := context.WithTimeout(c.Context(), 10*time.Second)
	defer cancel()
	answer, err := c.Call(ctx, "question", "sure?")
	if err != nil {
		return err
	}
	return c.Emit("thanks", answer[0])
}

func (a *application) answered(answer []socketio.Value, err error) {
	fmt.Println("answered", answer, err)
}

func (a *application) handleTell(c *socketio.Context) error {
	return c.Ask(a.answered, "question", "sure?")
}

func (a *application) handleTellOther(c *socketio.Context, sid string) error {
	return c.To(sid).Ask(func(answers []socketio.Answer, err error) {
		fmt.Println("answered", answers, err)
	}, "question", "sure?")
}

func (a *application) handleVisit(c *socketio.Context) (int, string) {
	visits, _ := socketio.As[int](c.Get("visits"))
	c.Set("visits", visits+1)
	return visits + 1, c.Request().Header.Get("User-Agent")
}

func (a *application) handleError(c *socketio.Context, event string, err error) {
	fmt.Println("failed:", event, err)
}

func (a *application) handleAnyError(c *socketio.Context, event string, err error) {
	fmt.Println("failed:", c.Namespace(), event, err)
}

func (a *application) handleAnything(event string, args ...socketio.Value) (string, int) {
	return event, len(args)
}

func (a *application) handleWho(c *socketio.Context) string {
	return c.Namespace()
}

type Chat struct{}

func (*Chat) OnConnect(c *socketio.Context) error {
	return c.Emit("hello")
}

func (*Chat) OnMyEvent(c *socketio.Context, data Data) int {
	return data.N + 1
}

func (a *application) count(ctx context.Context) {
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-time.After(10 * time.Second):
			_ = a.s.Emit("tick", n)
		}
	}
}

func membersOnly(next socketio.Handler) socketio.Handler {
	return func(c *socketio.Context, event string, args []socketio.Value) ([]any, error) {
		if c.Request().Header.Get("X-Member") == "" {
			return nil, socketio.Refuse("members only")
		}
		return next(c, event, args)
	}
}

// emits has the rows of "Emitting" in their order. sid and room are whom they reach.
func (a *application) emits(c *socketio.Context, sid, room string) []func() error {
	return []func() error{
		func() error { return c.Emit("r", "x") },
		func() error { return c.Emit("r") },
		func() error { return c.Emit("r", 1, "two") },
		func() error { return c.Emit("r", socketio.Args{nil}) },
		func() error { return c.Emit("r", []int{1, 2}) },
		func() error { return c.Emit("r", map[string]any{"n": 1}) },
		func() error { return c.Emit("message", "x") },
		func() error { return c.Emit("json", Data{N: 1}) },
		func() error { return c.To().Emit("r", "x") },
		func() error { return c.Others().Emit("r", "x") },
		func() error { return c.To("").Emit("r", "x") },
		func() error { return c.To(sid).Emit("r", "x") },
		func() error { return c.To(room).Emit("r", "x") },
		func() error { return c.To(room, sid).Emit("r", "x") },
		func() error { return c.To(room).Except(c.ID()).Emit("r", "x") },
		func() error { return c.To(room).Except(sid).Emit("r", "x") },
		func() error { return a.s.Of("/test").Emit("r", "x") },
		func() error { return a.s.Emit("r", "x") },
		func() error { return a.s.To(room).Emit("r", "x") },
	}
}

// rooms has the rows of "Rooms" in their order.
func (a *application) rooms(c *socketio.Context, sid, room string) []func() {
	return []func(){
		func() { c.Join(room) },
		func() { c.Leave(room) },
		func() { a.s.To(sid).Join(room) },
		func() { a.s.To(sid).Leave(room) },
		func() { a.s.CloseRoom(room) },
		func() { c.Disconnect() },
		func() { a.s.To(sid).Disconnect() },
	}
}
