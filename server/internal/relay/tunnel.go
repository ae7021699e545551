package relay

import (
	"errors"
	"io"
)

// tunnelBuffer is what each direction of a WebSocket is copied with. It is held also while nothing
// comes.
const tunnelBuffer = 4 << 10

// copySmall copies with a small buffer, in the place of the 32 KiB of io.Copy.
func copySmall(to io.Writer, from io.Reader) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, make([]byte, tunnelBuffer))
}

// tunnel is the other server's end of a WebSocket.
type tunnel struct {
	io.ReadWriteCloser
	sent     sent
	upgraded func() // is called once the client has gone over to it; nil for nobody
}

// Write passes on what the client has sent.
func (t *tunnel) Write(p []byte) (int, error) {
	n, err := t.ReadWriteCloser.Write(p)
	if t.upgraded != nil && t.sent.add(p[:n]) {
		t.upgraded()
		t.upgraded = nil
	}
	return n, err
}

// sent follows what the client of an upgrade sends: a frame with the probe, which the server
// answers, and once its polls have ended a frame with "5" (the Engine.IO protocol, "Upgrade").
type sent struct {
	size   byte // of the first frame's payload and more, RFC 6455 section 5.2
	length int  // so far
}

// add reports whether anything has come behind the first frame.
func (s *sent) add(p []byte) bool {
	const header, mask = 2, 4
	if i := 1 - s.length; i >= 0 && i < len(p) {
		s.size = p[i] &^ 0x80
	}
	s.length += len(p)
	return s.length > header+mask+int(s.size)
}

// WriteTo is io.WriterTo's, for io.Copy.
func (t *tunnel) WriteTo(w io.Writer) (int64, error) { return copySmall(w, t.ReadWriteCloser) }

// CloseWrite ends this side of the connection.
func (t *tunnel) CloseWrite() error {
	if half, ok := t.ReadWriteCloser.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
