// Command whiteboard is a board on which everybody draws: go run ./handlers/examples/whiteboard
//
// The board is 1600 wide and 1000 high, in whole units; each client has a number. It is
// in this process's memory: several servers would have a board each.
//
//	client → server
//	  "stroke" {color, width, points}   a line; points are x, y, x, y, ...
//	  "clear"
//	  "cursor" x, y
//
//	server → client
//	  "picture" {you, strokes}                 to the one that came: its number, and all that is there
//	  "stroke" {by, id, first, color, width, points}   to all, its author too; what is older than first is gone
//	  "cleared" by                             to all
//	  "cursor" by, x, y                        to the others
//	  "left" by                                to all
package main

import (
	"embed"
	"errors"
	"sync"

	"github.com/gin-gonic/gin"

	"hipflask/server/hipflask"
	"hipflask/server/socketio"
)

//go:embed page
var files embed.FS

func main() { hipflask.Main(Register) }

// Register registers the application.
func Register(app *hipflask.App) error {
	app.Router.Use(func(c *gin.Context) { c.Header("Content-Security-Policy", "default-src 'self'; img-src data:") })
	if err := app.Files(files, "page"); err != nil {
		return err
	}

	w := &whiteboard{socketio: app.SocketIO}
	return errors.Join(
		app.SocketIO.On("connect", w.handleConnect),
		app.SocketIO.On("disconnect", w.handleDisconnect),
		app.SocketIO.On("stroke", w.handleStroke),
		app.SocketIO.On("clear", w.handleClear),
		app.SocketIO.On("cursor", w.handleCursor),
	)
}

type whiteboard struct {
	socketio *socketio.Server

	// mu is held over emits too, which do not wait: so all clients see strokes and
	// clears in the board's order, and what a newcomer is sent fits what comes after.
	mu    sync.Mutex
	board board
	last  int // number of a client
}

// Picture is what a newcomer is sent.
type Picture struct {
	You     int      `json:"you"`
	Strokes []Stroke `json:"strokes"`
}

func (w *whiteboard) handleConnect(c *socketio.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last++
	c.Set("number", w.last)
	return c.Emit("picture", Picture{You: w.last, Strokes: w.board.picture()})
}

func (w *whiteboard) handleDisconnect(c *socketio.Context) error {
	return w.socketio.Emit("left", number(c))
}

func (w *whiteboard) handleStroke(c *socketio.Context, s Stroke) error {
	if err := s.check(); err != nil {
		return err
	}
	s.By = number(c)
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.socketio.Emit("stroke", w.board.add(s))
}

func (w *whiteboard) handleClear(c *socketio.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.board.clear()
	return w.socketio.Emit("cleared", number(c))
}

func (w *whiteboard) handleCursor(c *socketio.Context, x, y int) error {
	if !onBoard(x, y) {
		return errOutside
	}
	return c.Others().Volatile().Emit("cursor", number(c), x, y) // the next one is as good
}

// number is the client's: other than its session id it is for everybody to see.
func number(c *socketio.Context) int {
	n, _ := c.Get("number").(int)
	return n
}
