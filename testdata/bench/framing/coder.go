package main

import (
	"context"
	"net/http"

	"github.com/coder/websocket"
)

// coder is the server with coder/websocket. It has neither frames encoded once nor joined ones.
type coder struct {
	members[*websocket.Conn]
}

func (s *coder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // no Origin is checked by the others
		CompressionMode:    websocket.CompressionDisabled,
	})
	if err != nil {
		return
	}
	c.SetReadLimit(readLimit)
	s.add(c)
	go func() {
		ctx := context.Background()
		for {
			kind, p, err := c.Read(ctx)
			if err == nil {
				err = c.Write(ctx, kind, p)
			}
			if err != nil {
				_ = c.CloseNow()
				return
			}
		}
	}()
}

func (s *coder) broadcast(payload []byte, times int) error {
	ctx := context.Background()
	return s.each(func(c *websocket.Conn) error {
		for range times {
			if err := c.Write(ctx, websocket.MessageText, payload); err != nil {
				return err
			}
		}
		return nil
	})
}
