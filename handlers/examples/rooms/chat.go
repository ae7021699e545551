package main

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"hipflask/server/socketio"
)

const (
	maxRoom = 40   // characters of a room's name
	maxText = 2000 // characters of a message
)

// Rooms of sockets have prefixes here: a chat room must not be somebody's id, which is
// a room as well.
func chatRoom(name string) string { return "room:" + name }
func person(name string) string   { return "person:" + name }

type chat struct {
	socketio *socketio.Server
	members  *members
	counting sync.Mutex // held while a room is told who is there, so that the last word is right
}

// message is what somebody says in a room.
type message struct {
	Room string `json:"room"`
	Name string `json:"name"`
	Text string `json:"text"`
}

// notice is what the server says in a room.
type notice struct {
	Room string `json:"room"`
	Text string `json:"text"`
}

// people says who is in a room.
type people struct {
	Room   string   `json:"room"`
	People []string `json:"people"`
}

// handleConnect lets in who has logged in: the session is the page's.
func (h *chat) handleConnect(c *socketio.Context) error {
	name, ok := c.Get("name").(string)
	if !ok {
		return socketio.Refuse("not logged in")
	}
	c.Join(person(name))
	return nil
}

// handleJoin moves the client to a room, out of the one where it was.
func (h *chat) handleJoin(c *socketio.Context, room string) (problem string, err error) {
	room = clean(room, maxRoom)
	if room == "" {
		return fmt.Sprintf("A room's name has 1 to %d characters.", maxRoom), nil
	}
	if h.members.room(c.ID()) == room {
		return "", nil
	}
	err = h.leave(c)
	name, _ := c.Get("name").(string)
	c.Join(chatRoom(room))
	if h.members.enter(room, c.ID(), name) {
		err = errors.Join(err, h.tell(room, name+" has come."))
	}
	return "", errors.Join(err, h.count(room))
}

func (h *chat) handleSay(c *socketio.Context, text string) (problem string, err error) {
	room := h.members.room(c.ID())
	switch {
	case room == "":
		return "Join a room first.", nil
	case strings.TrimSpace(text) == "" || utf8.RuneCountInString(text) > maxText:
		return fmt.Sprintf("A message has 1 to %d characters.", maxText), nil
	}
	name, _ := c.Get("name").(string)
	return "", h.socketio.To(chatRoom(room)).Emit("message", message{room, name, text})
}

func (h *chat) handleDisconnect(c *socketio.Context) error { return h.leave(c) }

// leave takes the client out of its room, if it is in one.
func (h *chat) leave(c *socketio.Context) error {
	room := h.members.room(c.ID())
	if room == "" {
		return nil
	}
	c.Leave(chatRoom(room))
	var err error
	if name, last := h.members.leave(c.ID()); last {
		err = h.tell(room, name+" has left.")
	}
	return errors.Join(err, h.count(room))
}

func (h *chat) tell(room, text string) error {
	return h.socketio.To(chatRoom(room)).Emit("notice", notice{room, text})
}

func (h *chat) count(room string) error {
	h.counting.Lock()
	defer h.counting.Unlock()
	return h.socketio.To(chatRoom(room)).Emit("people", people{room, h.members.in(room)})
}
