// Package porting has the Go of handlers/PORTING.md, each piece word for word: its
// test compares them, and runs them beside the Python of that page.
package porting

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hipflask/server/socketio"
)

// app is the application: what is a global in Python is a field here.
type app struct {
	s *socketio.Server
}

func Register(s *socketio.Server) error {
	a := &app{s: s}
	return errors.Join(
		s.On("my event", a.handleMyEvent),
		s.On("other event", a.handleMyEvent),
		s.Of("/test").On("my event", a.handleTest),
		a.registerRest(),
	)
}

func (a *app) handleMyEvent(data Data) {
	fmt.Println(data.N)
}

func (a *app) handleTest(c *socketio.Context, data Data) error {
	return c.Emit("r", data.N+1)
}

type Data struct {
	N int `json:"n"`
}

// registerRest registers what comes further down on the page.
func (a *app) registerRest() error {
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
		a.s.On("ask", a.handleAsk),
		a.s.On("tell", a.handleTell),
		a.s.On("visit", a.handleVisit),
		a.s.On("*", a.handleAnything),
		a.s.Of("*").On("who", a.handleWho),
		a.s.Of("/chat").Handle(&Chat{}),
	)
}

func (a *app) handleUpload(name string, content []byte) int {
	return len(content)
}

func (a *app) handleKeep(c *socketio.Context, data socketio.Value) error {
	fmt.Println("kept", data)
	return c.Emit("kept", data)
}

func (a *app) handleSum(numbers ...int) (sum int) {
	for _, n := range numbers {
		sum += n
	}
	return sum
}

func (a *app) handleDivide(n, by int) (int, int, error) {
	if by == 0 {
		return 0, 0, errors.New("division by zero")
	}
	return n / by, n % by, nil
}

func (a *app) handleNothing() {}

func (a *app) handleCountTo(n int) (numbers socketio.Args) {
	for i := range n {
		numbers = append(numbers, i+1)
	}
	return numbers
}

func (a *app) handleFind(name string) socketio.Args {
	return socketio.Args{nil}
}

func (a *app) handleConnect(c *socketio.Context, auth struct{ Token string }) error {
	if auth.Token != "secret" {
		return &socketio.Refusal{Message: "wrong token", Data: map[string]int{"code": 7}}
	}
	return c.Emit("welcome")
}

func (a *app) handleDisconnect(c *socketio.Context, reason string) {
	fmt.Println(c.ID(), reason)
}

func (a *app) handleEnter(c *socketio.Context, name, room string) {
	c.Set("name", name)
	c.Join(room)
}

func (a *app) handleGone(c *socketio.Context) error {
	return c.To(c.Rooms()...).Emit("left", c.Get("name"))
}

func (a *app) handleAsk(c *socketio.Context) error {
	ctx, cancel := context.WithTimeout(c.Context(), 10*time.Second)
	defer cancel()
	answer, err := c.Call(ctx, "question", "sure?")
	if err != nil {
		return err
	}
	return c.Emit("thanks", answer[0])
}

func (a *app) answered(answer []socketio.Value, err error) {
	fmt.Println("answered", answer, err)
}

func (a *app) handleTell(c *socketio.Context) error {
	return c.Ask(a.answered, "question", "sure?")
}

func (a *app) handleVisit(c *socketio.Context) (int, string) {
	visits, _ := socketio.As[int](c.Get("visits"))
	c.Set("visits", visits+1)
	return visits + 1, c.Request().Header.Get("User-Agent")
}

func (a *app) handleError(c *socketio.Context, event string, err error) {
	fmt.Println("failed:", event, err)
}

func (a *app) handleAnyError(c *socketio.Context, event string, err error) {
	fmt.Println("failed:", c.Namespace(), event, err)
}

func (a *app) handleAnything(event string, args ...socketio.Value) (string, int) {
	return event, len(args)
}

func (a *app) handleWho(c *socketio.Context) string {
	return c.Namespace()
}

type Chat struct{}

func (*Chat) OnConnect(c *socketio.Context) error {
	return c.Emit("hello")
}

func (*Chat) OnMyEvent(c *socketio.Context, data Data) int {
	return data.N + 1
}

func (a *app) count(ctx context.Context) {
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
func (a *app) emits(c *socketio.Context, sid, room string) []func() error {
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
func (a *app) rooms(c *socketio.Context, sid, room string) []func() {
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
