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
type tunnel struct{ io.ReadWriteCloser }

// WriteTo is io.WriterTo's, for io.Copy.
func (t tunnel) WriteTo(w io.Writer) (int64, error) { return copySmall(w, t.ReadWriteCloser) }

// CloseWrite ends this side of the connection.
func (t tunnel) CloseWrite() error {
	if half, ok := t.ReadWriteCloser.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
