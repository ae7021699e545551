package main

import (
	"net/http"

	"github.com/lxzan/gws"
)

// gwsServer is the server with lxzan/gws. Frames encoded once are its Broadcaster, which writes
// from a goroutine of the connection and joins nothing.
type gwsServer struct {
	gws.BuiltinEventHandler
	upgrader *gws.Upgrader
	members[*gws.Conn]
}

func newGWS() variant {
	s := new(gwsServer)
	s.upgrader = gws.NewUpgrader(s, &gws.ServerOption{
		ReadMaxPayloadSize: readLimit,
		ReadBufferSize:     1 << 10,
		CheckUtf8Enabled:   true,
	})
	return s
}

func (s *gwsServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := s.upgrader.Upgrade(w, r)
	if err != nil {
		return
	}
	s.add(c)
	go c.ReadLoop()
}

func (s *gwsServer) OnMessage(c *gws.Conn, m *gws.Message) {
	_ = c.WriteMessage(m.Opcode, m.Bytes()) // an error ends ReadLoop too
	_ = m.Close()
}

func (s *gwsServer) broadcast(payload []byte, times int) error {
	frames := make([]*gws.Broadcaster, times)
	for i := range frames {
		frames[i] = gws.NewBroadcaster(gws.OpcodeText, payload)
		defer frames[i].Close()
	}
	return s.each(func(c *gws.Conn) error {
		for _, f := range frames {
			if err := f.Broadcast(c); err != nil {
				return err
			}
		}
		return nil
	})
}
