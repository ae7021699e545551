package main

import (
	"bufio"
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

// A WebSocket client that sends whatever it is told to, right or wrong. What stands
// on it: the Socket.IO client in raw_socketio_test.go. Its polling counterpart is in
// raw_polling_test.go.

const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA

	finBit  = 0x80 // of a frame's first byte
	maskBit = 0x80 // of its second byte

	// abnormal is the code that an end without a close frame stands for, and
	// noStatus that of a close frame without a code.
	abnormal = 1006
	noStatus = 1005

	// longestFrame is what a test is ready to read.
	longestFrame = 16 << 20
)

// rawWS is a client's side of a WebSocket. Reads and writes fail after patience.
type rawWS struct {
	net.Conn
	br *bufio.Reader
}

// wsFrame is a frame that was read.
type wsFrame struct {
	op   byte
	data []byte
}

// closedError is the server's close frame, where something else was awaited.
type closedError struct{ code int }

func (e *closedError) Error() string { return fmt.Sprintf("the server closed with code %d", e.code) }

// upgradeRequest is a correct opening handshake.
func upgradeRequest(addr, target string, header http.Header) string {
	var b strings.Builder
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\n", target, addr)
	b.WriteString("Upgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: aGlwZmxhc2stcmF3LXdzLQ==\r\n")
	_ = header.Write(&b) // a strings.Builder takes everything
	b.WriteString("\r\n")
	return b.String()
}

// dialWS opens a WebSocket. together leaves in one write with the handshake.
func dialWS(addr, target string, together ...byte) (*rawWS, error) {
	conn, err := dialTCP(addr)
	if err != nil {
		return nil, err
	}
	return shakeHands(conn, upgradeRequest(addr, target, nil)+string(together))
}

// shakeHands makes a connection a WebSocket with this request.
func shakeHands(conn net.Conn, request string) (*rawWS, error) {
	w := &rawWS{conn, bufio.NewReader(conn)}
	if err := w.raw([]byte(request)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	got, err := readAnswer(conn, w.br, http.MethodGet)
	if err == nil && got.status != http.StatusSwitchingProtocols {
		err = fmt.Errorf("the handshake was answered %v", got)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return w, nil
}

func dialTCP(addr string) (net.Conn, error) {
	return net.DialTimeout("tcp", addr, patience)
}

// raw writes bytes as they are.
func (w *rawWS) raw(p []byte) error {
	_ = w.SetWriteDeadline(time.Now().Add(patience))
	_, err := w.Write(p)
	return err
}

// frame writes one whole message, or a control frame.
func (w *rawWS) frame(op byte, payload string) error {
	return w.raw(maskedFrame(finBit|op, payload))
}

// maskedFrame encodes a client's frame. first holds the FIN bit and the opcode.
func maskedFrame(first byte, payload string) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, maskBit|byte(n))
	case n <= 0xffff:
		b = binary.BigEndian.AppendUint16(append(b, maskBit|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, maskBit|127), uint64(n))
	}
	key := []byte{0x5a, 0xc3, 0x0f, 0x91}
	b = append(b, key...)
	for i := range len(payload) {
		b = append(b, payload[i]^key[i%4])
	}
	return b
}

// textFrames encodes packets, each as a text message.
func textFrames(packets ...string) []byte {
	var b []byte
	for _, p := range packets {
		b = append(b, maskedFrame(finBit|opText, p)...)
	}
	return b
}

// closeFrame encodes the close frame with this code.
func closeFrame(code int) []byte {
	return maskedFrame(finBit|opClose, string(binary.BigEndian.AppendUint16(nil, uint16(code))))
}

// read reads the next frame. This server neither fragments nor uses an extension.
func (w *rawWS) read() (wsFrame, error) {
	_ = w.SetReadDeadline(time.Now().Add(patience))
	var head [2]byte
	if _, err := io.ReadFull(w.br, head[:]); err != nil {
		return wsFrame{}, err
	}
	size, err := w.size(head[1])
	if err != nil {
		return wsFrame{}, err
	}
	if head[0]&0xf0 != finBit {
		return wsFrame{}, fmt.Errorf("a frame that begins with %#x", head[0])
	}
	f := wsFrame{op: head[0] & 0x0f, data: make([]byte, size)}
	_, err = io.ReadFull(w.br, f.data)
	return f, err
}

// size reads what a frame's second byte says about the payload's length.
func (w *rawWS) size(second byte) (uint64, error) {
	if second&maskBit != 0 {
		return 0, errors.New("the server masked a frame")
	}
	size := uint64(second)
	if second >= 126 {
		var long [8]byte
		first := 6 // 126: two bytes follow
		if second == 127 {
			first = 0
		}
		if _, err := io.ReadFull(w.br, long[first:]); err != nil {
			return 0, err
		}
		size = binary.BigEndian.Uint64(long[:])
	}
	if size > longestFrame {
		return 0, fmt.Errorf("a frame of %d bytes", size)
	}
	return size, nil
}

// code is the code of a close frame.
func (f wsFrame) code() int {
	if len(f.data) < 2 {
		return noStatus
	}
	return int(binary.BigEndian.Uint16(f.data))
}

// end reads until the server has ended the connection, and returns the code of its
// close frame. Whatever comes before that frame is skipped.
func (w *rawWS) end() (code int, err error) {
	code = abnormal
	for {
		f, err := w.read()
		var timeout net.Error
		switch {
		case errors.As(err, &timeout) && timeout.Timeout():
			return code, fmt.Errorf("the server left the connection open: %w", err)
		case err != nil:
			return code, nil
		case code != abnormal:
			return code, fmt.Errorf("frame %#x follows the close frame", f.op)
		case f.op == opClose:
			code = f.code()
		}
	}
}

// answer is an HTTP response.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) String() string {
	return fmt.Sprintf("%d %v %.300q", a.status, a.header, a.body)
}

// readAnswer reads one response to a request with this method.
func readAnswer(conn net.Conn, br *bufio.Reader, method string) (answer, error) {
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	resp, err := http.ReadResponse(br, &http.Request{Method: method})
	if err != nil {
		return answer{}, fmt.Errorf("reading a response: %w", err)
	}
	defer resp.Body.Close()
	got := answer{status: resp.StatusCode, header: resp.Header}
	if got.status != http.StatusSwitchingProtocols {
		var body []byte
		body, err = io.ReadAll(resp.Body)
		got.body = string(body)
	}
	return got, err
}

// exchange sends bytes over a connection of its own and ends its side of that. It
// returns all that the server answers; the test fails when that is nothing.
func exchange(t *testing.T, addr, request string) []answer {
	t.Helper()
	conn, err := dialTCP(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetWriteDeadline(time.Now().Add(patience))
	_, err = io.WriteString(conn, request)
	if half, ok := conn.(*net.TCPConn); ok && err == nil {
		err = half.CloseWrite()
	}
	method, _, _ := strings.Cut(request, " ")
	br := bufio.NewReader(conn)
	var all []answer
	for {
		got, answerErr := readAnswer(conn, br, method)
		if answerErr != nil && len(all) == 0 {
			t.Fatalf("%.80q: %v", request, errors.Join(err, answerErr))
		}
		if answerErr != nil {
			return all
		}
		all = append(all, got)
	}
}

// ask sends one request and returns the answer.
func ask(t *testing.T, addr, method, target string, header http.Header, body string) answer {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", method, target, addr, len(body))
	_ = header.Write(&b) // a strings.Builder takes everything
	b.WriteString("\r\n" + body)
	all := exchange(t, addr, b.String())
	if len(all) != 1 {
		t.Fatalf("%s %s has %d answers: %v", method, target, len(all), all)
	}
	return all[0]
}

// checkRefusal checks for the official server's error body with this code.
func checkRefusal(t *testing.T, got answer, code int) {
	t.Helper()
	messages := []string{
		"Transport unknown", "Session ID unknown", "Bad handshake method", "Bad request", "Forbidden",
		"Unsupported protocol version",
	}
	want := fmt.Sprintf(`{"code":%d,"message":"%s"}`, code, messages[code])
	if got.status != http.StatusBadRequest || got.body != want ||
		!strings.HasPrefix(got.header.Get("Content-Type"), "application/json") {
		t.Errorf("answered %v; want 400 %s", got, want)
	}
}
