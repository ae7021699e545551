// Package handlers is the application: the three handlers of the Python example,
// under the names they have there. Handlers of your own go here as well; see
// CONTRIBUTING.md for how.
package handlers

import (
	"errors"
	"fmt"
	"io"

	"hipflask/server/hipflask"
	"hipflask/server/socketio"
)

// Register registers the chat's handlers. What they print goes to stdout.
func Register(app *hipflask.App) error {
	s := app.SocketIO
	c := &chat{socketio: s, stdout: app.Stdout}
	return errors.Join(
		s.On("connect", c.handleConnect),
		s.On("message", c.handleMessage),
		s.On("disconnect", c.handleDisconnect),
	)
}

type chat struct {
	socketio *socketio.Server
	stdout   io.Writer
}

func (c *chat) handleConnect() {
	c.print("Client connected")
}

func (c *chat) handleMessage(message socketio.Value) error {
	c.print("Received message:", message)
	return c.socketio.Emit("message", message)
}

func (c *chat) handleDisconnect() {
	c.print("Client disconnected")
}

// print writes one line, as Python's print does.
func (c *chat) print(words ...any) {
	fmt.Fprintln(c.stdout, words...)
}
