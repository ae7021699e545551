// Command app is the server with its chat and what some of the benchmark's rows need besides: an
// event that is only acknowledged, rooms, and namespaces.
package main

import (
	"errors"
	"fmt"
	"regexp"

	"hipflask/handlers"
	"hipflask/server/hipflask"
	"hipflask/server/socketio"
)

func main() { hipflask.Main(register) }

func register(app *hipflask.App) error {
	s := app.SocketIO
	n := s.OfFunc(regexp.MustCompile(`^/n\d+$`).MatchString)
	return errors.Join(
		handlers.Register(app),
		s.On("rtt", func(socketio.Value) {}),
		s.On("join", func(c *socketio.Context, first, count int) {
			rooms := make([]string, count)
			for i := range rooms {
				rooms[i] = fmt.Sprint("r", first+i)
			}
			c.Join(rooms...)
		}),
		s.On("say", func(room string, message socketio.Value) error {
			return s.To(room).Emit("message", message)
		}),
		n.On("message", func(c *socketio.Context, message socketio.Value) error {
			return s.Of(c.Namespace()).Emit("message", message)
		}),
	)
}
