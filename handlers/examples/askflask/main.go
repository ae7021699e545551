// Command askflask is a chat of people whom a Flask application knows by a session that
// it keeps on its side, as Flask-Session does, or by a JSON Web Token. Neither can be
// read here, so the connect handler asks Flask who the client is, with the client's own
// cookies or its token:
//
//	pip install Flask Flask-Session cachelib PyJWT
//	python3 handlers/examples/askflask/flask_app.py &
//	HIPFLASK_BACKEND=http://127.0.0.1:8000 go run ./handlers/examples/askflask
//
// Who logs out elsewhere stays connected, as with Flask-SocketIO: the question is asked
// when a client connects.
//
//	client → server
//	  connect, auth {token}   or the cookie; refused with "log in first" who is in neither
//	  "message" text
//
//	server → client
//	  "you" name              to the one that came
//	  "message" {from, text}  to all
package main

import (
	"embed"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"hipflask/server/hipflask"
	"hipflask/server/socketio"
)

//go:embed page
var files embed.FS

// maxText is the length of a message in characters.
const maxText = 500

func main() { hipflask.Main(Register) }

// Register registers the application.
func Register(app *hipflask.App) error {
	app.Router.Use(func(c *gin.Context) { c.Header("Content-Security-Policy", "default-src 'self'; img-src data:") })
	if err := app.Files(files, "page"); err != nil {
		return err
	}

	// Login and logout are Flask's, behind this server, so that browsers have one origin.
	flask, err := newFlask(app.Setting("backend"))
	if err != nil {
		return err
	}
	c := &chat{socketio: app.SocketIO, flask: flask}
	return errors.Join(
		app.SocketIO.On("connect", c.handleConnect),
		app.SocketIO.On("message", c.handleMessage),
	)
}

type chat struct {
	socketio *socketio.Server
	flask    *flask
}

// Message is what the event "message" carries.
type Message struct {
	From string `json:"from"`
	Text string `json:"text"`
}

func (h *chat) handleConnect(c *socketio.Context, auth struct{ Token string }) error {
	name, err := h.flask.whoIs(c.Context(), c.Request(), auth.Token)
	switch {
	case errors.Is(err, errNobody):
		return socketio.Refuse("log in first")
	case err != nil: // it goes to the log, and the client learns only that it is refused
		return fmt.Errorf("ask Flask who a client is: %w", err)
	}
	c.Set("name", name)
	return c.Emit("you", name)
}

func (h *chat) handleMessage(c *socketio.Context, text string) error {
	text = strings.TrimSpace(text)
	if text == "" || utf8.RuneCountInString(text) > maxText {
		return fmt.Errorf("a message has 1 to %d characters", maxText)
	}
	name, _ := c.Get("name").(string)
	return h.socketio.Emit("message", Message{From: name, Text: text})
}
