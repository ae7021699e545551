package websocket

import (
	"errors"
	"net"
	"os"

	"hipflask/server/internal/socket"
)

// read is Conn.read over TLS, which conn is. Nobody waits within TLS: the socket is read here, as
// that of a plain connection is, and TLS is given what has come. So while nothing comes there is no
// buffer of ours and, where idle allows it, no goroutine, also with half a record: TLS keeps that.
// Records are at most 16 KiB and a little.
func (o *outlet) read(conn net.Conn, t *socket.Reader, idle bool) ([]byte, error) {
	for {
		if o.opened == nil {
			o.opened = t.Pool().Get()
		}
		n, err := conn.Read(o.opened[:])
		if n > 0 {
			return o.opened[:n], nil // an error with them comes again with the next read
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, err
		}
		o.stopReading(t)
		if o.records, err = t.Read(o.raw, idle); err != nil {
			return nil, err
		}
	}
}

// stopReading gives the buffer back that TLS has filled.
func (o *outlet) stopReading(t *socket.Reader) {
	if o.opened != nil {
		t.Pool().Put(o.opened)
		o.opened = nil
	}
}

// Read gives TLS what has been read from the socket. With nothing left it is the read of a
// connection whose deadline has passed: after that TLS goes on where it was with the next Read.
func (o *outlet) Read(p []byte) (int, error) {
	if !o.isDirect() {
		return o.Conn.Read(p)
	}
	if len(o.records) == 0 {
		return 0, os.ErrDeadlineExceeded
	}
	n := copy(p, o.records)
	o.records = o.records[n:]
	return n, nil
}

func (o *outlet) isDirect() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.direct
}
