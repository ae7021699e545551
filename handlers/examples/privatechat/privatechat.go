// Package privatechat is a chat of people who write to each other in private.
// Everyone has a nickname that nobody else has, sees who is there, and sees who is
// typing to them.
//
//	client → server                     acknowledged with
//	  connect, auth {nickname}          refused: a message and {nickname}
//	  "private message" {to, text}      whether it was delivered
//	  "typing" {to, typing}             nothing
//	  "nickname" name                   "", or why not
//	  "users"                           the list of users
//
//	server → client
//	  "users" [{id, nickname}, ...]     to the one that came
//	  "user joined", "user renamed", "user left" {id, nickname}   to the others
//	  "private message" {from, text}    from is a user
//	  "typing" {from, typing}
package privatechat

import (
	"errors"
	"strings"
	"unicode/utf8"

	"hipflask/server/socketio"
)

// maxNickname is the length of a nickname in characters.
const maxNickname = 30

// User is somebody who is connected. ID is also the room to reach them at.
type User struct {
	ID       string `json:"id"`
	Nickname string `json:"nickname"`
}

// Message is a private message on its way in, with To, or out, with From.
type Message struct {
	To   string `json:"to,omitempty"`
	From *User  `json:"from,omitempty"`
	Text string `json:"text"`
}

// Typing says that somebody has begun or stopped to type.
type Typing struct {
	To     string `json:"to,omitempty"`
	From   *User  `json:"from,omitempty"`
	Typing bool   `json:"typing"`
}

// Register registers the chat's handlers.
func Register(s *socketio.Server) error {
	c := &chat{socketio: s, users: newDirectory()}
	return errors.Join(
		s.On("connect", c.handleConnect),
		s.On("disconnect", c.handleDisconnect),
		s.On("private message", c.handleMessage),
		s.On("typing", c.handleTyping),
		s.On("nickname", c.handleNickname),
		s.On("users", c.users.list),
	)
}

type chat struct {
	socketio *socketio.Server
	users    *directory
}

func (h *chat) handleConnect(c *socketio.Context, auth struct{ Nickname string }) error {
	user, err := h.users.add(c.ID(), auth.Nickname)
	if err != nil {
		return &socketio.Refusal{Message: err.Error(), Data: map[string]string{"nickname": auth.Nickname}}
	}
	return errors.Join(
		c.Emit("users", h.users.list()),
		c.Others().Emit("user joined", user),
	)
}

func (h *chat) handleDisconnect(c *socketio.Context) error {
	user := h.users.remove(c.ID())
	return h.socketio.Emit("user left", user)
}

func (h *chat) handleMessage(c *socketio.Context, m Message) (delivered bool, err error) {
	if _, there := h.users.get(m.To); !there {
		return false, nil
	}
	from, _ := h.users.get(c.ID())
	return true, h.socketio.To(m.To).Emit("private message", Message{From: &from, Text: m.Text})
}

func (h *chat) handleTyping(c *socketio.Context, t Typing) error {
	if _, there := h.users.get(t.To); !there {
		return nil // the room of that name, if there is one, is not theirs
	}
	from, _ := h.users.get(c.ID())
	return h.socketio.To(t.To).Emit("typing", Typing{From: &from, Typing: t.Typing})
}

func (h *chat) handleNickname(c *socketio.Context, name string) (whyNot string, err error) {
	user, err := h.users.add(c.ID(), name)
	if err != nil {
		return err.Error(), nil
	}
	return "", c.Others().Emit("user renamed", user)
}

var (
	errNoNickname = errors.New("a nickname is needed")
	errLong       = errors.New("the nickname is too long")
	errTaken      = errors.New("the nickname is taken")
)

// checkNickname returns the nickname as it will be shown.
func checkNickname(name string) (string, error) {
	name = strings.Join(strings.Fields(name), " ")
	switch {
	case name == "":
		return "", errNoNickname
	case utf8.RuneCountInString(name) > maxNickname:
		return "", errLong
	}
	return name, nil
}
