package http1

import (
	"net"

	"hipflask/server/internal/socket"
)

// Reads is l, whose connections are read here from their beginning on, and go to the http.Server by
// [Conns.Listener] once there is something for it. Only those whose socket cannot be got at, as over
// TLS, come from Accept.
func (c *Conns) Reads(l net.Listener) net.Listener { return reading{l, c} }

type reading struct {
	net.Listener
	conns *Conns
}

func (l reading) Accept() (net.Conn, error) {
	for {
		nc, err := l.Listener.Accept()
		if err != nil || !l.conns.takeFresh(nc) {
			return nc, err
		}
	}
}

func (c *Conns) takeFresh(nc net.Conn) bool {
	raw := socket.Raw(socket.Beneath(nc))
	return raw != nil && c.add(c.newFresh(nc, raw))
}
