package main

import (
	"net/http"
	"sync"

	"github.com/gorilla/websocket"
)

// gorilla is the server with gorilla/websocket: prepared messages, a small read buffer, write
// buffers from a pool. It joins no frames.
type gorilla struct {
	upgrader websocket.Upgrader
	members[*websocket.Conn]
}

func newGorilla() variant {
	return &gorilla{upgrader: websocket.Upgrader{ReadBufferSize: 1 << 10, WriteBufferPool: new(sync.Pool)}}
}

func (s *gorilla) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := s.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	c.SetReadLimit(readLimit)
	s.add(c)
	go func() {
		for {
			kind, p, err := c.ReadMessage()
			if err == nil {
				err = c.WriteMessage(kind, p)
			}
			if err != nil {
				c.Close()
				return
			}
		}
	}()
}

func (s *gorilla) broadcast(payload []byte, times int) error {
	frames := make([]*websocket.PreparedMessage, times)
	for i := range frames {
		var err error
		if frames[i], err = websocket.NewPreparedMessage(websocket.TextMessage, payload); err != nil {
			return err
		}
	}
	return s.each(func(c *websocket.Conn) error {
		for _, f := range frames {
			if err := c.WritePreparedMessage(f); err != nil {
				return err
			}
		}
		return nil
	})
}
