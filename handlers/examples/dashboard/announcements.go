package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"hipflask/server/socketio"
)

const (
	maxAnnouncement = 1 << 10 // bytes
	keptForLater    = 20      // announcements that a newcomer is told
)

// Announcement is what the event "announcement" carries.
type Announcement struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}

// announcements are taken by POST and told to all clients.
type announcements struct {
	socketio *socketio.Server
	token    [sha256.Size]byte // of what is sent in the header; hashes have one length, so comparing takes one time

	mu   sync.Mutex // held over emits too, so that a newcomer is told each announcement once
	last []Announcement
}

// tell sends a newcomer what was announced before.
func (a *announcements) tell(c *socketio.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return c.Emit("announcements", append([]Announcement{}, a.last...))
}

func (a *announcements) announce(text string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	news := Announcement{At: time.Now().UTC(), Text: text}
	a.last = append(a.last, news)
	if len(a.last) > keptForLater {
		a.last = a.last[1:]
	}
	return a.socketio.Emit("announcement", news)
}

// handlePost takes the text as it stands in the body, which is what curl --data sends.
func (a *announcements) handlePost(c *gin.Context) {
	if !a.allowed(c.GetHeader("Authorization")) {
		c.Header("WWW-Authenticate", `Bearer realm="announcements"`)
		c.String(http.StatusUnauthorized, "The header \"Authorization: Bearer TOKEN\" is missing, or its token is wrong.\n")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, maxAnnouncement))
	if tooLong := (*http.MaxBytesError)(nil); errors.As(err, &tooLong) {
		c.String(http.StatusRequestEntityTooLarge, "An announcement may have %d bytes.\n", maxAnnouncement)
		return
	}
	text := strings.TrimSpace(string(body))
	if err != nil || text == "" || !utf8.ValidString(text) {
		c.String(http.StatusBadRequest, "The body has to be the announcement, as text in UTF-8.\n")
		return
	}
	if err := a.announce(text); err != nil {
		c.String(http.StatusInternalServerError, "The announcement was not sent.\n")
		return
	}
	c.Status(http.StatusNoContent)
}

func (a *announcements) allowed(authorization string) bool {
	token, ok := strings.CutPrefix(authorization, "Bearer ")
	sum := sha256.Sum256([]byte(token))
	return ok && subtle.ConstantTimeCompare(sum[:], a.token[:]) == 1
}
