package parity

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"hipflask/testdata/testkit"
)

// endScenes are the ways in which a connection ends.
func endScenes() []scene {
	var scenes []scene
	for _, transport := range bothTransports() {
		add := func(name string, play func(s *story, k talker)) {
			scenes = append(scenes, scene{transport + " ends: " + name, func(s *story) { play(s, s.join(transport)) }})
		}
		add("41, then 40 again", func(s *story, k talker) {
			k.say("41")
			k.flush()
			s.connect(k, "40")
			heard, _ := s.exchange(k)
			s.saw("received", heard)
			k.leave()
		})
		add("41, then the connection's end", func(s *story, k talker) {
			k.say("41")
			k.leave()
		})
		add("41 twice", func(s *story, k talker) {
			k.say("41")
			k.say("41")
			k.leave()
		})
		add("41 with an event after it", func(s *story, k talker) {
			k.say("41")
			k.say(testkit.Message("too late"))
			k.leave()
		})
		add("1", func(s *story, k talker) {
			k.say("1")
			s.saw("the connection", k.state())
			k.leave()
		})
		add("the event disconnect", func(s *story, k talker) {
			if s.isFlask {
				s.disconnects++
			}
			heard, _ := s.exchange(k, `42["disconnect"]`)
			s.saw("received", heard)
			k.leave()
		})
	}
	return append(scenes, socketEnds()...)
}

// socketEnds are those that one transport alone knows.
func socketEnds() []scene {
	scenes := []scene{
		{"polling ends: 41 and 1 at once", func(s *story) { s.join("polling").say("41", "1") }},
		{"polling ends: 1 and 41 at once", func(s *story) { s.join("polling").say("1", "41") }},
		{"websocket ends: the connection breaks off", func(s *story) {
			_ = s.join("websocket").(*wsTalker).ws.Close()
		}},
		{"websocket ends: the connection is reset", func(s *story) {
			ws := s.join("websocket").(*wsTalker).ws
			_ = ws.Conn.(*net.TCPConn).SetLinger(0)
			_ = ws.Close()
		}},
		{"websocket ends: a close frame without a code", func(s *story) {
			ws := s.join("websocket").(*wsTalker).ws
			_ = ws.SendFrame(testkit.OpClose, "")
			code, err := ws.End()
			s.saw("answer", fmt.Sprint(code, err))
		}},
	}
	for _, code := range []int{1000, 1001, 3000, 4321} {
		scenes = append(scenes, scene{fmt.Sprint("websocket ends: a close frame with ", code), func(s *story) {
			ws := s.join("websocket").(*wsTalker).ws
			_ = ws.WriteBytes(testkit.CloseFrame(code))
			code, err := ws.End()
			s.saw("answer", fmt.Sprint(code, err))
		}})
	}
	return scenes
}

// hangScenes are requests that Flask-SocketIO leaves unanswered.
func hangScenes() []scene {
	return []scene{
		{"polling 2", func(s *story) {
			k := s.join("polling").(*pollTalker)
			s.saw("POST", s.unlessItHangs(k, http.MethodPost, "2"))
			if !s.isFlask {
				k.leave()
			}
		}},
		{"two polls at once", func(s *story) {
			k := s.join("polling").(*pollTalker)
			second := *k
			first := make(chan string)
			go func() { first <- s.unlessItHangs(k, http.MethodGet, "") }()
			one := s.unlessItHangs(&second, http.MethodGet, "")
			two := <-first
			if one > two { // which of them came first is the network's affair
				one, two = two, one
			}
			s.saw("answers", one+", "+two)
			second.leave()
		}},
	}
}

// unlessItHangs returns the answer to a request. Flask-SocketIO is given as long as shows that it
// does not answer, ours as long as anything.
func (s *story) unlessItHangs(k *pollTalker, method, body string) string {
	hurried := *k
	client := *k.client
	hurried.client = &client
	if s.isFlask {
		client.Timeout = time.Second
	}
	got := hurried.do(method, body)
	if got.Status == 0 {
		return got.Body
	}
	return fmt.Sprintf("%d %s", got.Status, got.Body)
}

// silentStage has short heartbeats.
func silentStage() stage {
	return stage{
		name:  "silent",
		flask: `{"ping_interval": 2, "ping_timeout": 2}`,
		ours:  []string{"--ping-interval", "2s", "--ping-timeout", "2s", "--connect-timeout", "3s"},
		scenes: []scene{
			{"never 40", func(s *story) {
				w, err := testkit.DialWebSocket(s.addr, testkit.WebSocketPath)
				if err != nil {
					s.t.Fatal(err)
				}
				s.t.Cleanup(func() { _ = w.Close() })
				s.saw("the connection", answerPings(w, 3))
			}},
			{"silent clients", func(s *story) {
				s.join("websocket") // reads no more
				s.join("polling")   // polls no more
			}},
			{"no packet", func(s *story) { s.afterNoPacket("x") }},
			{"an empty message", func(s *story) { s.afterNoPacket("") }},
		},
	}
}

// afterNoPacket sends what is no packet and notes the bytes that come back, or their first line:
// Flask-SocketIO writes an HTTP response into the WebSocket, and does not notice for a ping timeout
// that the session has ended.
func (s *story) afterNoPacket(packet string) {
	ws := s.join("websocket").(*wsTalker).ws
	_ = ws.WriteBytes(testkit.TextFrames(packet))
	_ = ws.SetReadDeadline(time.Now().Add(testkit.Deadline))
	back, err := io.ReadAll(ws.Buffered)
	back = bytes.ReplaceAll(back, []byte("\x81\x012"), nil) // heartbeats, on a slow machine
	line, _, _ := bytes.Cut(back, []byte("\r\n"))
	s.saw("received", fmt.Sprintf("%q %v", line, err))
}

// answerPings answers a number of heartbeats.
func answerPings(w *testkit.WebSocket, n int) string {
	for n > 0 {
		f, err := w.ReadFrame()
		switch {
		case err != nil:
			return howItEnded(err)
		case f.Op == testkit.OpClose:
			return fmt.Sprint("closed with ", f.Code())
		case f.Op == testkit.OpText && string(f.Data) == "2":
			n--
			_ = w.SendFrame(testkit.OpText, "3")
		}
	}
	return "open"
}
