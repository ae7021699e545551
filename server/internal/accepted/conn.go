package accepted

import (
	"errors"
	"io"
	"net"
)

// Close ends the connection, and counts it out once its file is free.
func (c *Conn) Close() error {
	err := c.Conn.Close()
	c.conns.leave(c)
	return err
}

// Socket is the connection beneath, which may be read and written instead of this one.
func (c *Conn) Socket() net.Conn { return c.Conn }

// CloseWrite is that of the connection beneath: net/http ends an answer with it.
func (c *Conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// ReadFrom is that of the connection beneath, if it has one: net/http has the kernel send files
// with it.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) { return io.Copy(c.Conn, r) }

// beneath finds the Conn that nc is or stands upon, as one of crypto/tls does; nil if there is
// none.
func beneath(nc net.Conn) *Conn {
	for nc != nil {
		switch c := nc.(type) {
		case *Conn:
			return c
		case interface{ NetConn() net.Conn }:
			nc = c.NetConn()
		default:
			return nil
		}
	}
	return nil
}
