// Command ceiling is as fast as a Go program with one goroutine a connection can be: it speaks just
// enough of the protocol for the benchmark's clients, writes what a client says to every connection
// as one frame made once, with no queue, no rooms, no heartbeats and no limits, and answers round
// trips with the acknowledgement's bytes.
package main

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
)

func main() {
	fmt.Fprintln(os.Stderr, "ceiling:", run())
	os.Exit(1)
}

// run serves until that fails.
func run() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "listening on", l.Addr())
	s := &server{conns: map[net.Conn]struct{}{}}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go s.serve(c)
	}
}

type server struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
	frame []byte // what is being broadcast
}

func (s *server) serve(c net.Conn) {
	defer func() {
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
		c.Close()
	}()
	if err := upgrade(c); err != nil {
		return
	}
	buf := make([]byte, 512) // for the usual message; grows for a longer one
	have := 0
	for {
		n, err := c.Read(buf[have:])
		if err != nil {
			return
		}
		rest := buf[:have+n]
		for {
			payload, after, size := unframe(rest)
			if payload == nil {
				if size > len(buf) {
					buf = make([]byte, 2*size)
				}
				have = copy(buf, rest)
				break
			}
			if err := s.message(c, payload); err != nil {
				return
			}
			rest = after
		}
	}
}

// message does what a client's packet asks for.
func (s *server) message(c net.Conn, p []byte) (err error) {
	switch {
	case len(p) >= 2 && p[0] == '4' && p[1] == '0':
		if _, err = c.Write(frame(nil, `40{"sid":"0"}`)); err == nil {
			s.mu.Lock()
			s.conns[c] = struct{}{}
			s.mu.Unlock()
		}
	case len(p) >= 3 && p[0] == '4' && p[1] == '2' && p[2] != '[':
		_, err = c.Write([]byte{0x81, 5, '4', '3', p[2], '[', ']'})
	case len(p) >= 3 && p[0] == '4' && p[1] == '2':
		s.mu.Lock()
		defer s.mu.Unlock()
		s.frame = frame(s.frame[:0], p)
		for to := range s.conns {
			_, _ = to.Write(s.frame) // whoever is gone is found by its own goroutine
		}
	}
	return err
}

// upgrade answers the handshake and sends the OPEN packet.
func upgrade(c net.Conn) error {
	r := bufio.NewReaderSize(c, 1024)
	req, err := http.ReadRequest(r)
	if err != nil {
		return err
	}
	if r.Buffered() > 0 {
		return errors.New("the client did not wait for the answer")
	}
	sum := sha1.Sum([]byte(req.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	_, err = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: "+base64.StdEncoding.EncodeToString(sum[:])+"\r\n\r\n"+
		string(frame(nil, `0{"sid":"0","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`)))
	return err
}

// frame appends a text frame.
func frame[T string | []byte](dst []byte, payload T) []byte {
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, 0x81, byte(n))
	case n < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, 0x81, 126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, 0x81, 127), uint64(n))
	}
	return append(dst, payload...)
}

// unframe takes the first frame, which it unmasks in place. Without a whole one the payload is nil
// and size says how many bytes it will have, as far as that is known.
func unframe(p []byte) (payload, after []byte, size int) {
	if len(p) < 2 {
		return nil, p, 2
	}
	n, at := int(p[1]&0x7F), 2
	if n >= 126 {
		at = 4 // the benchmark sends nothing that needs the longest form
		if len(p) < at {
			return nil, p, at
		}
		n = int(binary.BigEndian.Uint16(p[2:]))
	}
	size = at + 4 + n
	if len(p) < size {
		return nil, p, size
	}
	key, payload := p[at:at+4], p[at+4:size]
	for i := range payload {
		payload[i] ^= key[i&3]
	}
	return payload, p[size:], size
}
