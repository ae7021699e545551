package parity

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"hipflask/testdata/testkit"
)

// talker is a client of bare Engine.IO 4 packets, over either transport. Binary is written as
// polling writes it: "b" and base64.
type talker interface {
	// say sends packets and says how that was answered, if it was.
	say(packets ...string) string
	// hear returns the next packet, or how the session ended.
	hear() (packet string, over bool)
	// flush returns once everything said has been received.
	flush()
	// state reports whether the session is still there.
	state() string
	// leave ends the session as clients do.
	leave()
}

// open opens a session and takes its OPEN packet.
func (s *story) open(transport string) talker {
	s.t.Helper()
	if transport == "websocket" {
		ws := testkit.OpenWebSocket(s.t, s.addr, testkit.WebSocketPath)
		k := &wsTalker{ws: ws.WebSocket}
		s.opened(k)
		return k
	}
	k := &pollTalker{
		url: "http://" + s.addr + testkit.PollingPath,
		client: &http.Client{
			Transport: &http.Transport{DisableCompression: true}, Timeout: testkit.Deadline,
		},
	}
	s.t.Cleanup(k.client.CloseIdleConnections)
	sid, err := testkit.OpenedSID(s.opened(k))
	if err != nil {
		s.t.Fatal(err)
	}
	k.url += "&sid=" + sid
	return k
}

func (s *story) opened(k talker) string {
	s.t.Helper()
	packet, over := k.hear()
	if over {
		s.t.Fatalf("%s: no OPEN packet: %s", s.name, packet)
	}
	return packet
}

// join opens a session and connects to the namespace "/".
func (s *story) join(transport string) talker {
	s.t.Helper()
	k := s.open(transport)
	s.connect(k, "40")
	return k
}

func (s *story) connect(k talker, packet string) {
	s.t.Helper()
	k.say(packet)
	if got, over := k.hear(); over || !strings.HasPrefix(got, "40{") {
		s.t.Fatalf("%s: CONNECT was answered %q", s.name, got)
	}
	s.disconnects++
}

// What clients say to see what came before it.
const (
	sentinel = `42["message","sentinel"]`
	witness  = `42["message","witness"]`
)

// exchange sends packets and returns what is received up to the echo of a sentinel, or up to the
// end of the session.
func (s *story) exchange(k talker, packets ...string) (heard string, over bool) {
	var all []string
	if len(packets) > 0 {
		all = append(all, k.say(packets...))
	}
	k.say(sentinel)
	more, over := hearUntil(k, sentinel)
	return strings.TrimSpace(strings.Join(append(all, more...), " ")), over
}

// exchangeDeaf is exchange for packets after which Flask-SocketIO handles nothing more of that
// client. Its end is marked by what another client says after the sentinel.
func (s *story) exchangeDeaf(k talker, packets ...string) (heard string, over bool) {
	other := s.join("websocket")
	defer other.leave()
	all := []string{k.say(packets...)}
	k.say(sentinel)
	k.flush()
	if !s.isFlask {
		more, over := hearUntil(k, sentinel)
		if all = append(all, more...); over {
			return strings.Join(all, " "), over
		}
		all = append(all, "heard")
	}
	other.say(witness)
	more, over := hearUntil(k, witness)
	return strings.TrimSpace(strings.Join(append(all, more...), " ")), over
}

// hearUntil returns what is received before this packet.
func hearUntil(k talker, last string) (all []string, over bool) {
	for !over {
		var packet string
		if packet, over = k.hear(); packet == last {
			return all, false
		}
		all = append(all, canonical(packet))
	}
	return all, true
}

const onlyHeartbeats = "nothing but heartbeats"

type wsTalker struct {
	ws      *testkit.WebSocket
	waiting []testkit.Frame // came while flush waited for something else
}

func (k *wsTalker) say(packets ...string) string {
	var frames []byte
	for _, p := range packets {
		if data, ok := attachment(p); ok {
			frames = append(frames, testkit.MaskedFrame(testkit.FinBit|testkit.OpBinary, data)...)
		} else {
			frames = append(frames, testkit.MaskedFrame(testkit.FinBit|testkit.OpText, p)...)
		}
	}
	_ = k.ws.WriteBytes(frames) // that the connection has ended is heard
	return ""
}

// attachment decodes a binary packet.
func attachment(packet string) (data string, ok bool) {
	encoded, isBinary := strings.CutPrefix(packet, "b")
	if !isBinary {
		return "", false
	}
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	return string(decoded), err == nil
}

func (k *wsTalker) hear() (string, bool) {
	for deadline := time.Now().Add(testkit.Deadline); time.Now().Before(deadline); {
		f, err := k.next()
		switch {
		case err != nil:
			return howItEnded(err), true
		case f.Op == testkit.OpClose:
			return fmt.Sprintf("closed with %d", f.Code()), true
		case f.Op == testkit.OpBinary:
			return "b" + base64.StdEncoding.EncodeToString(f.Data), false
		case f.Op == testkit.OpText && string(f.Data) == "2":
			k.say("3")
		case f.Op == testkit.OpText:
			return string(f.Data), false
		}
	}
	return onlyHeartbeats, true
}

func (k *wsTalker) next() (testkit.Frame, error) {
	if len(k.waiting) == 0 {
		return k.ws.ReadFrame()
	}
	f := k.waiting[0]
	k.waiting = k.waiting[1:]
	return f, nil
}

func (k *wsTalker) flush() { k.state() }

// state waits for the answer to a ping of WebSocket's own.
func (k *wsTalker) state() string {
	_ = k.ws.SendFrame(testkit.OpPing, "flush")
	for {
		f, err := k.ws.ReadFrame()
		switch {
		case err != nil:
			return howItEnded(err)
		case f.Op == testkit.OpPong:
			return "open"
		}
		k.waiting = append(k.waiting, f)
		if f.Op == testkit.OpClose {
			return fmt.Sprintf("closed with %d", f.Code())
		}
	}
}

func howItEnded(err error) string {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return "silence"
	}
	return "cut off"
}

func (k *wsTalker) leave() {
	_ = k.ws.WriteBytes(testkit.CloseFrame(1000))
	_, _ = k.ws.End()
}

type pollTalker struct {
	url     string
	client  *http.Client
	waiting []string
}

func (k *pollTalker) say(packets ...string) string {
	return k.do(http.MethodPost, strings.Join(packets, "\x1e")).Brief()
}

func (k *pollTalker) do(method, body string) testkit.Answer {
	req, err := http.NewRequest(method, k.url, strings.NewReader(body))
	if err != nil {
		return testkit.Answer{Body: err.Error()}
	}
	resp, err := k.client.Do(req)
	if err != nil {
		return testkit.Answer{Body: howItEnded(err)}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return testkit.Answer{Body: err.Error()}
	}
	return testkit.Answer{Status: resp.StatusCode, Header: resp.Header, Body: string(text)}
}

func (k *pollTalker) hear() (string, bool) {
	for deadline := time.Now().Add(testkit.Deadline); time.Now().Before(deadline); {
		for len(k.waiting) > 0 {
			packet := k.waiting[0]
			k.waiting = k.waiting[1:]
			switch packet {
			case "2":
				k.say("3")
			case "6":
			case "1":
				return "closed", true
			default:
				return packet, false
			}
		}
		got := k.do(http.MethodGet, "")
		if got.Status != http.StatusOK {
			return "poll" + got.Brief(), true
		}
		k.waiting = strings.Split(got.Body, "\x1e")
	}
	return onlyHeartbeats, true
}

// flush has nothing to do: a POST is answered when it was read.
func (k *pollTalker) flush() {}

func (k *pollTalker) state() string { return "poll" + k.do(http.MethodGet, "").Brief() }

func (k *pollTalker) leave() { k.say("1") }
