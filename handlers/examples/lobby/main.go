// Command lobby is a game lobby: players come and go, open games, join them, get ready,
// and play tic-tac-toe. Who reloads the page, or loses the connection for a while, is
// back in the game.
//
//	go run ./handlers/examples/lobby
//
//	client → server                  acknowledged with
//	  connect, auth {name, token}    refused: why; token is that of the last welcome
//	  "create" title                 "", or why not; so are all that follow
//	  "join" game's id
//	  "leave"
//	  "ready" true or false
//	  "start"                        for the host, once both are ready
//	  "move" cell                    0 to 8
//
//	server → client
//	  "welcome" {id, token}          to the one that came
//	  "lobby" {players, games}       to everybody, when it has changed
//	  "game" game, or nothing        to its players, when it has changed
package main

import (
	"embed"
	"errors"

	"github.com/gin-gonic/gin"

	"hipflask/server/hipflask"
)

//go:embed page
var files embed.FS

func main() { hipflask.Main(Register) }

// Register registers the application.
func Register(app *hipflask.App) error { return register(app, newLobby(app.SocketIO)) }

func register(app *hipflask.App, l *lobby) error {
	app.Router.Use(func(c *gin.Context) { c.Header("Content-Security-Policy", "default-src 'self'") })
	if err := app.Files(files, "page"); err != nil {
		return err
	}

	s := app.SocketIO
	s.Go(l.sweepAll)
	return errors.Join(
		s.On("connect", l.handleConnect),
		s.On("create", l.handleCreate),
		s.On("join", l.handleJoin),
		s.On("leave", l.handleLeave),
		s.On("ready", l.handleReady),
		s.On("start", l.handleStart),
		s.On("move", l.handleMove),
		s.On("disconnect", l.handleDisconnect),
	)
}
