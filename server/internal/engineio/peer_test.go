package engineio

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// peer is the client's side of a WebSocket.
type peer struct {
	t    testing.TB
	conn net.Conn
	tcp  *net.TCPConn // beneath conn
	br   *bufio.Reader
}

const (
	opText   = 1
	opBinary = 2
	opClose  = 8
	opPing   = 9
	opPong   = 10
)

// dial opens a WebSocket with this query. rcvbuf, if not 0, bounds what its kernel
// takes while nobody reads.
func (f *fixture) dial(query string, rcvbuf int) *peer {
	f.t.Helper()
	return f.dialPath("/engine.io/?"+query, rcvbuf)
}

// plain opens a plain WebSocket client's session.
func (f *fixture) plain() (*opened, *peer) {
	f.t.Helper()
	p := f.dialPath("/plain", 0)
	return f.opening(), p
}

func (f *fixture) dialPath(path string, rcvbuf int) *peer {
	f.t.Helper()
	nc, err := net.DialTimeout("tcp", f.addr, patience)
	if err != nil {
		f.t.Fatal(err)
	}
	p := &peer{t: f.t, conn: nc, tcp: nc.(*net.TCPConn)}
	f.t.Cleanup(func() { p.tcp.Close() })
	if rcvbuf > 0 {
		_ = p.tcp.SetReadBuffer(rcvbuf)
	}
	if f.tls != nil {
		p.conn = tls.Client(nc, f.tls)
	}
	p.br = bufio.NewReader(p.conn)
	fmt.Fprintf(p.conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n", path, f.addr)
	_ = p.conn.SetReadDeadline(time.Now().Add(patience))
	resp, err := http.ReadResponse(p.br, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		f.t.Fatalf("the handshake was answered %v, %v", resp, err)
	}
	return p
}

// websocket opens a session over WebSocket and takes the OPEN packet.
func (f *fixture) websocket(eio int) (*opened, *peer) {
	f.t.Helper()
	return f.slowWebSocket(eio, 0)
}

// slowWebSocket is websocket with a bound for what the client's kernel takes.
func (f *fixture) slowWebSocket(eio, rcvbuf int) (*opened, *peer) {
	f.t.Helper()
	p := f.dial(fmt.Sprintf("EIO=%d&transport=websocket", eio), rcvbuf)
	o := f.opening()
	if got := p.text(); !strings.HasPrefix(got, `0{"sid":"`+o.ID()+`"`) {
		f.t.Fatalf("no OPEN packet but %q", got)
	}
	return o, p
}

// upgraded opens a session over polling and lets a WebSocket take it over.
func (f *fixture) upgraded(eio int) (*opened, *peer) {
	f.t.Helper()
	o, query := f.polling(eio)
	p := f.dial(strings.Replace(query, "polling", "websocket", 1), 0)
	p.send(opText, "2probe")
	p.expect(opText, "3probe")
	p.send(opText, "5")
	f.await(func() bool { return o.Transport() == transportWebSocket })
	return o, p
}

// send writes one whole frame.
func (p *peer) send(op byte, payload string) {
	p.t.Helper()
	_ = p.conn.SetWriteDeadline(time.Now().Add(patience))
	if _, err := p.conn.Write(clientFrame(op, payload)); err != nil {
		p.t.Fatal(err)
	}
}

// write writes bytes as they are.
func (p *peer) write(b []byte) {
	p.t.Helper()
	_ = p.conn.SetWriteDeadline(time.Now().Add(patience))
	if _, err := p.conn.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

func clientFrame(op byte, payload string) []byte {
	b := []byte{0x80 | op}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n <= 0xffff:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	key := [4]byte{7, 77, 177, 211}
	b = append(b, key[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^key[i%4])
	}
	return b
}

// read reads one frame.
func (p *peer) read() (op byte, payload string, err error) {
	_ = p.conn.SetReadDeadline(time.Now().Add(patience))
	var head [10]byte
	if _, err := io.ReadFull(p.br, head[:2]); err != nil {
		return 0, "", err
	}
	op = head[0] & 0xf
	n := uint64(head[1])
	switch n {
	case 126:
		_, err = io.ReadFull(p.br, head[:2])
		n = uint64(binary.BigEndian.Uint16(head[:]))
	case 127:
		_, err = io.ReadFull(p.br, head[:8])
		n = binary.BigEndian.Uint64(head[:])
	}
	data := make([]byte, n)
	if err == nil {
		_, err = io.ReadFull(p.br, data)
	}
	return op, string(data), err
}

// text reads a text frame.
func (p *peer) text() string {
	p.t.Helper()
	op, payload, err := p.read()
	if err != nil || op != opText {
		p.t.Fatalf("no text frame but opcode %d, %.200q, %v", op, payload, err)
	}
	return payload
}

func (p *peer) expect(op byte, want string) {
	p.t.Helper()
	gotOp, got, err := p.read()
	if err != nil || gotOp != op || got != want {
		p.t.Fatalf("read opcode %d, %.200q, %v, want %d, %.200q", gotOp, got, err, op, want)
	}
}

// ended reads what there is up to the end of the connection and returns the code of
// the close frame, 0 for none.
func (p *peer) ended() int {
	p.t.Helper()
	code := 0
	for {
		op, payload, err := p.read()
		var timeout net.Error
		switch {
		case errors.As(err, &timeout) && timeout.Timeout():
			p.t.Fatal("the server left the connection open")
		case err != nil:
			return code
		case op == opClose && len(payload) >= 2:
			code = int(payload[0])<<8 | int(payload[1])
		}
	}
}

// cut ends the TCP connection with a reset.
func (p *peer) cut() {
	_ = p.tcp.SetLinger(0)
	_ = p.tcp.Close()
}
