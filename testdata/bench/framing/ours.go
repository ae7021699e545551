package main

import (
	"net/http"

	"hipflask/server/internal/websocket"
)

// readLimit is the greatest message that every server accepts.
const readLimit = 1 << 20

// ours is the server with hipflask/server/internal/websocket.
type ours struct {
	upgrader websocket.Upgrader
	members[*oursConn]
	joined []byte
}

// oursConn echoes. In this benchmark nothing else is written during an echo.
type oursConn struct {
	*websocket.Conn
}

func (s *ours) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, err := s.upgrader.Upgrade(w, r, nil, nil)
	if err != nil {
		return
	}
	c := &oursConn{conn}
	s.add(c)
	c.Start(c, readLimit, func(error) { c.Close() })
}

func (c *oursConn) Message(op websocket.Opcode, p []byte) error {
	var room [256]byte
	return c.send(websocket.AppendFrame(room[:0], op, p))
}

func (c *oursConn) Ping(p []byte) error {
	return c.send(websocket.AppendFrame(nil, websocket.Pong, p))
}

func (c *oursConn) Pong([]byte) error { return nil }

func (c *oursConn) send(p []byte) error {
	n, err := c.TryWrite(p)
	if err == nil && n < len(p) {
		_, err = c.Write(p[n:])
	}
	return err
}

func (s *ours) broadcast(payload []byte, times int) error {
	frame := websocket.AppendFrame(nil, websocket.Text, payload)
	return s.each(func(c *oursConn) error {
		if times == 1 {
			return c.send(frame)
		}
		s.joined = s.joined[:0]
		for range times {
			s.joined = append(s.joined, frame...)
		}
		return c.send(s.joined)
	})
}
