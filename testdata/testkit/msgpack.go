package testkit

import (
	"strings"
	"testing"
)

// MsgpackClient is a client whose packets are msgpack, over a WebSocket.
type MsgpackClient struct{ *Client }

// MsgpackConnect is CONNECT to the namespace "/".
const MsgpackConnect = "\x82\xa4type\x00\xa3nsp\xa1/"

// OpenMsgpack opens a session, and sends no CONNECT.
func OpenMsgpack(t *testing.T, addr string) MsgpackClient {
	t.Helper()
	c := MsgpackClient{OpenWebSocket(t, addr, WebSocketPath)}
	if open, err := c.Packet(); err != nil || open[0] != '0' {
		t.Fatalf("opened with %q, %v", open, err)
	}
	return c
}

// JoinMsgpack opens a session and connects to the namespace "/".
func JoinMsgpack(t *testing.T, addr string) MsgpackClient {
	t.Helper()
	c := OpenMsgpack(t, addr)
	c.SendPacket(MsgpackConnect)
	f, err := c.ReadFrame()
	const answer = "\x83\xa4type\x00\xa4data\x81\xa3sid"
	if err != nil || f.Op != OpBinary || !strings.HasPrefix(string(f.Data), answer) {
		t.Fatalf("CONNECT was answered %q, %v", f.Data, err)
	}
	return c
}

// SendPacket sends a packet as it is encoded.
func (c MsgpackClient) SendPacket(packet string) {
	c.T.Helper()
	c.Must(c.SendFrame(OpBinary, packet))
}

// HearPacket reads the next packet and compares it with what is wanted.
func (c MsgpackClient) HearPacket(packet string) {
	c.T.Helper()
	if f, err := c.ReadFrame(); err != nil || f.Op != OpBinary || string(f.Data) != packet {
		c.T.Fatalf("heard %q, %v, want %q", f.Data, err, packet)
	}
}
