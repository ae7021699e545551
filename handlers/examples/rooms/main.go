// Command rooms is a chat with rooms, a login page and Flask's session: whoever has
// logged in is known to the pages, to the sockets, and to a Flask application that has
// the same secret key.
//
//	HIPFLASK_SECRET_KEY=... go run ./handlers/examples/rooms
//
// Without a key the program makes one, and who is logged in is forgotten at its end.
//
//	page                 answered with
//	  GET /              the chat, or a redirect to /login
//	  GET /login         the login page
//	  POST /login        a redirect to /, or the login page and why not
//	  POST /logout       a redirect to /login
//
//	client → server      acknowledged with
//	  connect            refused without a login
//	  "join" room        "", or why not
//	  "say" text         "", or why not
//
//	server → client
//	  "people" {room, people}         to a room, when somebody has come or gone
//	  "notice" {room, text}           to a room: "Ada has left."
//	  "message" {room, name, text}    to a room
package main

import (
	"crypto/rand"
	"embed"
	"errors"
	"html/template"
	"net/http"

	"github.com/gin-gonic/gin"

	"hipflask/server/hipflask"
)

//go:embed page
var files embed.FS

func main() { hipflask.Main(Register, "--secret-key", rand.Text()) }

// Register registers the application.
func Register(app *hipflask.App) error {
	if app.Sessions == nil {
		return errors.New("the login needs a secret key; set HIPFLASK_SECRET_KEY")
	}
	login, err := template.ParseFS(files, "page/login.html")
	if err != nil {
		return err
	}
	l := &logins{sessions: app.Sessions, socketio: app.SocketIO, page: login}
	c := &chat{socketio: app.SocketIO, members: newMembers()}

	app.Router.Use(protected())
	app.Router.GET("/", l.mustBeLoggedIn, func(c *gin.Context) {
		http.ServeFileFS(c.Writer, c.Request, files, "page/index.html")
	})
	app.Router.GET("/login", l.handlePage)
	app.Router.POST("/login", l.handleLogin)
	app.Router.POST("/logout", l.handleLogout)
	return errors.Join(
		app.Files(files, "page/files"),
		app.SocketIO.On("connect", c.handleConnect),
		app.SocketIO.On("join", c.handleJoin),
		app.SocketIO.On("say", c.handleSay),
		app.SocketIO.On("disconnect", c.handleDisconnect),
	)
}

// protected lets pages load nothing of other sites, and other sites' pages send no form.
func protected() gin.HandlerFunc {
	protection := http.NewCrossOriginProtection()
	return func(c *gin.Context) {
		c.Header("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; base-uri 'none'")
		if err := protection.Check(c.Request); err != nil {
			c.String(http.StatusForbidden, err.Error())
			c.Abort()
		}
	}
}
