// Package tour has one handler for each thing that handlers do, as the example application of
// Flask-SocketIO has: echo, broadcast, rooms, closing a room, a disconnect that waits for an
// acknowledgement, a ping to measure latency, a counter in the background, and one handler for all
// other events.
//
// Every answer is an event "response" with a text and how many the client has had for its own
// requests.
package tour

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"hipflask/server/socketio"
)

// interval is how often the background task reports.
const interval = 10 * time.Second

// Response is what the event "response" carries.
type Response struct {
	Data  string `json:"data"`
	Count int    `json:"count"`
}

// Register registers the handlers. The background task starts with the first client and ends with
// the server.
func Register(s *socketio.Server) error { return RegisterEvery(s, interval) }

// RegisterEvery is Register with another interval of the background task.
func RegisterEvery(s *socketio.Server, every time.Duration) error {
	t := &tour{socketio: s, every: every}
	return errors.Join(
		s.On("connect", t.handleConnect),
		s.On("disconnect", t.handleDisconnect),
		s.On("echo", t.handleEcho),
		s.On("broadcast", t.handleBroadcast),
		s.On("join", t.handleJoin),
		s.On("leave", t.handleLeave),
		s.On("close room", t.handleCloseRoom),
		s.On("room message", t.handleRoomMessage),
		s.On("disconnect request", t.handleDisconnectRequest),
		s.On("latency ping", t.handlePing),
		s.On("*", t.handleAnything),
	)
}

type tour struct {
	socketio *socketio.Server
	every    time.Duration
	counting sync.Once
}

func (t *tour) handleConnect(c *socketio.Context) error {
	t.counting.Do(func() { t.socketio.Go(t.count) })
	return c.Emit("response", Response{Data: "Connected"})
}

// count tells everybody now and then how often it has told them.
func (t *tour) count(ctx context.Context) {
	tick := time.NewTicker(t.every)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_ = t.socketio.Emit("background", n) // an int can always be written
		}
	}
}

func (t *tour) handleDisconnect(c *socketio.Context, reason string) error {
	return t.socketio.Emit("left", c.ID(), reason)
}

func (t *tour) handleEcho(c *socketio.Context, text string) error {
	return c.Emit("response", answer(c, text))
}

func (t *tour) handleBroadcast(c *socketio.Context, text string) error {
	return t.socketio.Emit("response", answer(c, text))
}

func (t *tour) handleJoin(c *socketio.Context, room string) error {
	c.Join(room)
	return c.Emit("response", answer(c, "In rooms: "+rooms(c)))
}

func (t *tour) handleLeave(c *socketio.Context, room string) error {
	c.Leave(room)
	return c.Emit("response", answer(c, "In rooms: "+rooms(c)))
}

func (t *tour) handleCloseRoom(c *socketio.Context, room string) error {
	err := c.To(room).Emit("response", answer(c, "Room "+room+" is closing."))
	t.socketio.CloseRoom(room)
	return err
}

func (t *tour) handleRoomMessage(c *socketio.Context, room, text string) error {
	return c.To(room).Emit("response", answer(c, text))
}

// handleDisconnectRequest disconnects the client once it has acknowledged the last event, so that
// this is sure to have reached it.
func (t *tour) handleDisconnectRequest(c *socketio.Context) error {
	if _, err := c.Call(c.Context(), "response", answer(c, "Disconnected!")); err != nil {
		return err
	}
	c.Disconnect()
	return nil
}

// handlePing answers at once: the client measures how long that takes.
func (t *tour) handlePing(c *socketio.Context) error { return c.Emit("latency pong") }

// handleAnything gets the events that have no handler of their own. What it returns is the
// acknowledgement, as everywhere.
func (t *tour) handleAnything(event string, args ...socketio.Value) string {
	return fmt.Sprintf("no handler for %s%v", event, args)
}

// answer counts the client's requests in its session.
func answer(c *socketio.Context, text string) Response {
	count, _ := c.Get("count").(int)
	count++
	c.Set("count", count)
	return Response{Data: text, Count: count}
}

// rooms lists the client's rooms without its own.
func rooms(c *socketio.Context) string {
	names := slices.DeleteFunc(c.Rooms(), func(room string) bool { return room == c.ID() })
	slices.Sort(names)
	return strings.Join(names, ", ")
}
