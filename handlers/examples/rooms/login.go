package main

import (
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"hipflask/server/flasksession"
	"hipflask/server/socketio"
)

const (
	maxName = 30      // characters
	maxForm = 4 << 10 // bytes of a form
)

// logins has the pages to do with who somebody is. The session has it under "name", for
// Flask as session['name'].
type logins struct {
	sessions *flasksession.Sessions
	socketio *socketio.Server
	page     *template.Template
}

// form is what the login page shows.
type form struct{ Name, Problem string }

func (l *logins) name(r *http.Request) string {
	s, _ := l.sessions.Read(r)
	name, _ := s.Get("name").(string)
	return name
}

// mustBeLoggedIn sends everybody else to the login page. Flask: @login_required.
func (l *logins) mustBeLoggedIn(c *gin.Context) {
	c.Header("Cache-Control", "no-store") // or the page would come back after the logout
	if l.name(c.Request) == "" {
		c.Redirect(http.StatusSeeOther, "/login")
		c.Abort()
	}
}

func (l *logins) handlePage(c *gin.Context) { l.show(c, form{}) }

func (l *logins) handleLogin(c *gin.Context) {
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxForm)
	name, problem := clean(c.PostForm("name"), maxName), ""
	switch {
	case name == "":
		problem = fmt.Sprintf("A name has 1 to %d characters.", maxName)
	case len(l.socketio.To(person(name)).Clients()) > 0: // where others would ask for a password
		problem = "Somebody of that name is here already."
	}
	if problem != "" {
		l.show(c, form{Name: name, Problem: problem})
		return
	}
	s, _ := l.sessions.Read(c.Request)
	s.Set("name", name)
	l.leave(c, s, "/")
}

// handleLogout forgets who somebody is, and ends what is open in other tabs.
func (l *logins) handleLogout(c *gin.Context) {
	if name := l.name(c.Request); name != "" {
		l.socketio.To(person(name)).Disconnect()
	}
	s, _ := l.sessions.Read(c.Request)
	s.Delete("name")
	l.leave(c, s, "/login")
}

// leave saves the session and sends the browser to another page.
func (l *logins) leave(c *gin.Context, s *flasksession.Session, to string) {
	if err := l.sessions.Save(c.Writer, s); err != nil {
		_ = c.AbortWithError(http.StatusInternalServerError, err)
		return
	}
	c.Redirect(http.StatusSeeOther, to)
}

func (l *logins) show(c *gin.Context, f form) {
	c.Header("Content-Type", "text/html; charset=utf-8")
	if err := l.page.Execute(c.Writer, f); err != nil {
		_ = c.Error(err) // the browser has gone
	}
}

// clean returns a line of text without spaces around it, empty if it is longer than most
// characters or has some that cannot be seen.
func clean(text string, most int) string {
	text = strings.TrimSpace(text)
	hidden := func(r rune) bool { return !unicode.IsGraphic(r) }
	if !utf8.ValidString(text) || utf8.RuneCountInString(text) > most || strings.ContainsFunc(text, hidden) {
		return ""
	}
	return text
}
