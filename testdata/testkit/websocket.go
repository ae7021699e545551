package testkit

import (
	"bufio"
	"bytes"
	"compress/flate"
	"crypto/subtle"
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

// The opcodes of frames, and what else stands in their first two bytes (RFC 6455, 5.2).
const (
	OpContinuation = 0x0
	OpText         = 0x1
	OpBinary       = 0x2
	OpClose        = 0x8
	OpPing         = 0x9
	OpPong         = 0xA

	FinBit  = 0x80 // of a frame's first byte
	RSV1    = 0x40 // of that of a compressed message, RFC 7692
	MaskBit = 0x80 // of its second byte
)

// Abnormal is the code that an end without a close frame stands for, and NoStatus that of a close
// frame without a code.
const (
	Abnormal = 1006
	NoStatus = 1005
)

// longestFrame is what a test is ready to read.
const longestFrame = 16 << 20

// WebSocket is a client's side of a WebSocket, which sends whatever it is told to, right or wrong.
// Reads and writes fail after Deadline.
type WebSocket struct {
	net.Conn
	Buffered   *bufio.Reader
	Compressed bool // compression was agreed on, RFC 7692
}

// Frame is a frame that was read.
type Frame struct {
	Op         byte
	Compressed bool // it was
	Data       []byte
}

// ClosedError is the server's close frame, where something else was awaited.
type ClosedError struct{ Code int }

func (e *ClosedError) Error() string { return fmt.Sprintf("the server closed with code %d", e.Code) }

// UpgradeRequest is a correct opening handshake.
func UpgradeRequest(addr, target string, header http.Header) string {
	var b strings.Builder
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\n", target, addr)
	b.WriteString("Upgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: aGlwZmxhc2stcmF3LXdzLQ==\r\n")
	_ = header.Write(&b) // a strings.Builder takes everything
	b.WriteString("\r\n")
	return b.String()
}

// DialWebSocket opens a WebSocket. together leaves in one write with the handshake.
func DialWebSocket(addr, target string, together ...byte) (*WebSocket, error) {
	conn, err := DialTCP(addr)
	if err != nil {
		return nil, err
	}
	return ShakeHands(conn, UpgradeRequest(addr, target, nil)+string(together))
}

// ShakeHands makes a connection a WebSocket with this request.
func ShakeHands(conn net.Conn, request string) (*WebSocket, error) {
	w := &WebSocket{Conn: conn, Buffered: bufio.NewReader(conn)}
	if err := w.WriteBytes([]byte(request)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	got, err := ReadAnswer(conn, w.Buffered, http.MethodGet)
	if err == nil && got.Status != http.StatusSwitchingProtocols {
		err = fmt.Errorf("the handshake was answered %v", got)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	w.Compressed = got.Header.Get("Sec-WebSocket-Extensions") != ""
	return w, nil
}

// DialTCP connects.
func DialTCP(addr string) (net.Conn, error) {
	return net.DialTimeout("tcp", addr, Deadline)
}

// WriteBytes writes bytes as they are.
func (w *WebSocket) WriteBytes(p []byte) error {
	_ = w.SetWriteDeadline(time.Now().Add(Deadline))
	_, err := w.Write(p)
	return err
}

// SendFrame writes one whole message, or a control frame.
func (w *WebSocket) SendFrame(op byte, payload string) error {
	return w.WriteBytes(MaskedFrame(FinBit|op, payload))
}

// MaskedFrame encodes a client's frame. first holds the FIN bit and the opcode.
func MaskedFrame(first byte, payload string) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, MaskBit|byte(n))
	case n <= 0xffff:
		b = binary.BigEndian.AppendUint16(append(b, MaskBit|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, MaskBit|127), uint64(n))
	}
	key := []byte{0x5a, 0xc3, 0x0f, 0x91}
	b = append(b, key...)
	head := len(b)
	b = append(b, payload...)
	// Not byte by byte, which takes long with the race detector.
	subtle.XORBytes(b[head:], b[head:], bytes.Repeat(key, len(payload)/len(key)+1))
	return b
}

// TextFrames encodes packets, each as a text message.
func TextFrames(packets ...string) []byte {
	var b []byte
	for _, p := range packets {
		b = append(b, MaskedFrame(FinBit|OpText, p)...)
	}
	return b
}

// CloseFrame encodes the close frame with this code.
func CloseFrame(code int) []byte {
	return MaskedFrame(FinBit|OpClose, string(binary.BigEndian.AppendUint16(nil, uint16(code))))
}

// ReadFrame reads the next frame. This server does not fragment.
func (w *WebSocket) ReadFrame() (Frame, error) {
	_ = w.SetReadDeadline(time.Now().Add(Deadline))
	var head [2]byte
	if _, err := io.ReadFull(w.Buffered, head[:]); err != nil {
		return Frame{}, err
	}
	size, err := w.size(head[1])
	if err != nil {
		return Frame{}, err
	}
	compressed := w.Compressed && head[0]&RSV1 != 0
	if flags := head[0] & 0xf0; flags != FinBit && !(compressed && flags == FinBit|RSV1) {
		return Frame{}, fmt.Errorf("a frame that begins with %#x", head[0])
	}
	f := Frame{Op: head[0] & 0x0f, Compressed: compressed, Data: make([]byte, size)}
	if _, err = io.ReadFull(w.Buffered, f.Data); err == nil && compressed {
		f.Data, err = inflate(f.Data)
	}
	return f, err
}

// inflate takes a compressed message apart: RFC 7692, section 7.2.2.
func inflate(data []byte) ([]byte, error) {
	const end = "\x00\x00\xff\xff" + "\x01\x00\x00\xff\xff" // what was left out, and a last block
	return io.ReadAll(io.LimitReader(flate.NewReader(strings.NewReader(string(data)+end)), longestFrame))
}

// Deflate makes the payload of a compressed message.
func Deflate(message string) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.DefaultCompression) // a valid level
	_, _ = w.Write([]byte(message))                       // into memory, which does not fail
	_ = w.Flush()
	return strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")
}

// size reads what a frame's second byte says about the payload's length.
func (w *WebSocket) size(second byte) (uint64, error) {
	if second&MaskBit != 0 {
		return 0, errors.New("the server masked a frame")
	}
	size := uint64(second)
	if second >= 126 {
		var long [8]byte
		first := 6 // 126: two bytes follow
		if second == 127 {
			first = 0
		}
		if _, err := io.ReadFull(w.Buffered, long[first:]); err != nil {
			return 0, err
		}
		size = binary.BigEndian.Uint64(long[:])
	}
	if size > longestFrame {
		return 0, fmt.Errorf("a frame of %d bytes", size)
	}
	return size, nil
}

// Code is the code of a close frame.
func (f Frame) Code() int {
	if len(f.Data) < 2 {
		return NoStatus
	}
	return int(binary.BigEndian.Uint16(f.Data))
}

// End reads until the server has ended the connection, and returns the code of its close frame.
// Whatever comes before that frame is skipped.
func (w *WebSocket) End() (code int, err error) {
	code = Abnormal
	for {
		f, err := w.ReadFrame()
		var timeout net.Error
		switch {
		case errors.As(err, &timeout) && timeout.Timeout():
			return code, fmt.Errorf("the server left the connection open: %w", err)
		case err != nil:
			return code, nil
		case code != Abnormal:
			return code, fmt.Errorf("frame %#x follows the close frame", f.Op)
		case f.Op == OpClose:
			code = f.Code()
		}
	}
}

// Answer is an HTTP response.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

func (a Answer) String() string {
	return fmt.Sprintf("%d %v %.300q", a.Status, a.Header, a.Body)
}

// ReadAnswer reads one response to a request with this method.
func ReadAnswer(conn net.Conn, br *bufio.Reader, method string) (Answer, error) {
	_ = conn.SetReadDeadline(time.Now().Add(Deadline))
	resp, err := http.ReadResponse(br, &http.Request{Method: method})
	if err != nil {
		return Answer{}, fmt.Errorf("reading a response: %w", err)
	}
	defer resp.Body.Close()
	got := Answer{Status: resp.StatusCode, Header: resp.Header}
	if got.Status != http.StatusSwitchingProtocols {
		var body []byte
		body, err = io.ReadAll(resp.Body)
		got.Body = string(body)
	}
	return got, err
}

// Exchange sends bytes over a connection of its own and ends its side of that. It returns all that
// the server answers; the test fails when that is nothing.
func Exchange(t testing.TB, addr, request string) []Answer {
	t.Helper()
	conn, err := DialTCP(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetWriteDeadline(time.Now().Add(Deadline))
	_, err = io.WriteString(conn, request)
	if half, ok := conn.(*net.TCPConn); ok && err == nil {
		err = half.CloseWrite()
	}
	method, _, _ := strings.Cut(request, " ")
	br := bufio.NewReader(conn)
	var all []Answer
	for {
		got, answerErr := ReadAnswer(conn, br, method)
		if answerErr != nil && len(all) == 0 {
			t.Fatalf("%.80q: %v", request, errors.Join(err, answerErr))
		}
		if answerErr != nil {
			return all
		}
		all = append(all, got)
	}
}

// Ask sends one request and returns the answer.
func Ask(t testing.TB, addr, method, target string, header http.Header, body string) Answer {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", method, target, addr, len(body))
	_ = header.Write(&b) // a strings.Builder takes everything
	b.WriteString("\r\n" + body)
	all := Exchange(t, addr, b.String())
	if len(all) != 1 {
		t.Fatalf("%s %s has %d answers: %v", method, target, len(all), all)
	}
	return all[0]
}

// CheckRefusal checks for the official server's error body with this code.
func CheckRefusal(t testing.TB, got Answer, code int) {
	t.Helper()
	messages := []string{
		"Transport unknown", "Session ID unknown", "Bad handshake method", "Bad request", "Forbidden",
		"Unsupported protocol version",
	}
	want := fmt.Sprintf(`{"code":%d,"message":"%s"}`, code, messages[code])
	if got.Status != http.StatusBadRequest || got.Body != want ||
		!strings.HasPrefix(got.Header.Get("Content-Type"), "application/json") {
		t.Errorf("answered %v; want 400 %s", got, want)
	}
}

// Brief leaves out what a successful POST says, which no client reads.
func (a Answer) Brief() string {
	if a.Status == http.StatusOK {
		return ""
	}
	return fmt.Sprintf("(%d)", a.Status)
}
