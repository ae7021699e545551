package porting

import (
	"html/template"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"hipflask/server/hipflask"
	"hipflask/server/socketio"
)

func (a *application) routes(app *hipflask.App) {
	app.Router.Use(notFound)
	app.Router.GET("/rooms/:name", a.getRoom)
	app.Router.POST("/announce", a.announce)
	app.Router.GET("/hello/:name", hello)

	members := app.Router.Group("/members", membersAlone)
	members.GET("/list", a.listMembers)

	app.Router.POST("/login", a.login)
	app.Router.GET("/profile", a.profile)
	app.Router.POST("/logout", a.logout)
}

func (a *application) getRoom(c *gin.Context) {
	limit, err := strconv.Atoi(c.Query("limit"))
	if err != nil {
		limit = 10
	}
	c.JSON(http.StatusOK, gin.H{"room": c.Param("name"), "limit": limit})
}

func (a *application) announce(c *gin.Context) {
	if err := a.s.Emit("news", c.PostForm("what")); err != nil {
		c.String(http.StatusInternalServerError, "not announced")
		return
	}
	c.String(http.StatusAccepted, "announced")
}

var helloPage = template.Must(template.New("hello").Parse("<p>Hello, {{.}}</p>"))

func hello(c *gin.Context) {
	c.Header("Content-Type", "text/html; charset=utf-8")
	_ = helloPage.Execute(c.Writer, c.Param("name"))
}

func membersAlone(c *gin.Context) {
	if c.GetHeader("X-Member") == "" {
		c.String(http.StatusForbidden, "members only")
		c.Abort()
	}
}

func (a *application) listMembers(c *gin.Context) {
	c.JSON(http.StatusOK, a.s.To("members").Clients())
}

func notFound(c *gin.Context) {
	if c.FullPath() == "" && c.Writer.Status() == http.StatusNotFound {
		c.String(http.StatusNotFound, "there is no such page")
	}
}

func (a *application) login(c *gin.Context) {
	session, _ := a.sessions.Read(c.Request)
	session.Set("name", c.PostForm("name"))
	session.SetPermanent(true)
	if err := a.sessions.Save(c.Writer, session); err != nil {
		c.String(http.StatusInternalServerError, "not logged in")
		return
	}
	c.Redirect(http.StatusFound, "/profile")
}

func (a *application) profile(c *gin.Context) {
	session, _ := a.sessions.Read(c.Request)
	name, ok := session.Get("name").(string)
	if !ok {
		c.String(http.StatusUnauthorized, "log in first")
		return
	}
	c.String(http.StatusOK, name)
}

func (a *application) logout(c *gin.Context) {
	session, _ := a.sessions.Read(c.Request)
	session.Clear()
	if err := a.sessions.Save(c.Writer, session); err != nil {
		c.String(http.StatusInternalServerError, "not logged out")
		return
	}
	c.Status(http.StatusNoContent)
}

func (a *application) handleWhoami(c *socketio.Context) any {
	return c.Get("name")
}
