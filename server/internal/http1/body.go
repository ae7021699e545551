package http1

import (
	"errors"
	"io"
	"net/http"
)

// of makes b the body of a request.
func (b *body) of(c *conn, length int64) io.ReadCloser {
	*b = body{conn: c, left: length}
	if length == 0 {
		return http.NoBody
	}
	return b
}

func (b *body) Read(p []byte) (int, error) {
	c := b.conn
	if b.left == 0 {
		return 0, io.EOF
	}
	if len(c.in) == 0 {
		c.limited = true
		err := c.nc.SetReadDeadline(b.deadline)
		if err == nil {
			c.in, err = c.read()
		}
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return 0, err
		}
	}
	n := copy(p[:min(int64(len(p)), b.left)], c.in)
	c.in = c.in[n:]
	b.left -= int64(n)
	return n, nil
}

// Close does nothing: a connection whose request was not read whole ends.
func (b *body) Close() error { return nil }
