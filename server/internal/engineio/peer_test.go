package engineio

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"hipflask/testdata/testkit"
)

// peer is the client's side of a WebSocket.
type peer struct {
	t    testing.TB
	conn net.Conn
	tcp  *net.TCPConn // beneath conn
	br   *bufio.Reader
	ws   *testkit.WebSocket // with conn and br
}

const (
	opText   = testkit.OpText
	opBinary = testkit.OpBinary
	opClose  = testkit.OpClose
	opPing   = testkit.OpPing
	opPong   = testkit.OpPong
)

// dial opens a WebSocket with this query. rcvbuf, if not 0, bounds what its kernel takes while
// nobody reads.
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
	nc, err := net.DialTimeout("tcp", f.addr, testkit.Deadline)
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
	p.ws, err = testkit.ShakeHands(p.conn, testkit.UpgradeRequest(f.addr, path, nil))
	if err != nil {
		f.t.Fatal(err)
	}
	p.br = p.ws.Buffered
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
	p.write(clientFrame(op, payload))
}

func clientFrame(op byte, payload string) []byte {
	return testkit.MaskedFrame(testkit.FinBit|op, payload)
}

// write writes bytes as they are.
func (p *peer) write(b []byte) {
	p.t.Helper()
	if err := p.ws.WriteBytes(b); err != nil {
		p.t.Fatal(err)
	}
}

// read reads one frame.
func (p *peer) read() (op byte, payload string, err error) {
	f, err := p.ws.ReadFrame()
	return f.Op, string(f.Data), err
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

// ended reads what there is up to the end of the connection and returns the code of the close
// frame, 0 for none.
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
