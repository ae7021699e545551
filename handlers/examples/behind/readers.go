package main

import (
	"errors"
	"maps"
	"slices"
	"sync"

	"hipflask/server/socketio"
)

// maxShown is how many names of readers are sent around.
const maxShown = 50

// readers has the socket handlers, and knows who is reading. Its lock is also held while
// clients are told, so that the last that they hear is how it is.
type readers struct {
	socketio *socketio.Server

	mu    sync.Mutex
	names map[string]string // by the client's id
}

// handleConnect takes the name from the session, which Flask has written.
func (r *readers) handleConnect(c *socketio.Context) error {
	name, ok := c.Get("name").(string)
	if !ok {
		name = "a guest"
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names[c.ID()] = name
	return r.tellLocked()
}

func (r *readers) handleDisconnect(c *socketio.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.names, c.ID())
	return r.tellLocked()
}

func (r *readers) handleSigned(c *socketio.Context) error {
	name, ok := c.Get("name").(string)
	if !ok {
		return errors.New("signed without a session")
	}
	return c.Others().Emit("signed", name)
}

func (r *readers) tellLocked() error {
	names := slices.Sorted(maps.Values(r.names))
	return r.socketio.Emit("readers", names[:min(len(names), maxShown)])
}
