// Package plain tests clients that open a WebSocket and know nothing of Socket.IO, section 4.2 of
// the document.
package plain

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"hipflask/server/internal/e2e/harness"
	"hipflask/server/socketio"
	"hipflask/testdata/testkit"
)

// Plain WebSocket clients: those that open a WebSocket at "/" and know nothing of Socket.IO. What
// they share with every WebSocket of the server is in protocol/rfc6455_test.go.

// TestPlainScript pins testdata/plain/client.js: it is the JavaScript of section 4.2 of the
// document that this server was made from, character for character.
func TestPlainScript(t *testing.T) {
	const section42 = "272247601cbfce1cab90a45f0cbb666e9e61fe3a818f156fbed0cf40d9f4abdc"
	script, err := os.ReadFile(testkit.Testdata("plain", "client.js"))
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(script); hex.EncodeToString(sum[:]) != section42 {
		t.Errorf("testdata/plain/client.js has the SHA-256 %x: it is no longer the document's client", sum)
	}
}

// TestPlainScriptRuns runs the script unchanged, in a browser's page and in Node, in one chat with
// socket.io clients.
func TestPlainScriptRuns(t *testing.T) {
	t.Run("browser", func(t *testing.T) {
		t.Parallel()
		testPlainScript(t, "plain-browser.mjs", testkit.ScriptConfig{Client: testkit.NewestClient, Chromium: testkit.NeedChromium(t)})
	})
	t.Run("node", func(t *testing.T) {
		t.Parallel()
		testPlainScript(t, "plain-node.mjs", testkit.ScriptConfig{Client: testkit.NewestClient})
	})
}

func testPlainScript(t *testing.T, script string, config testkit.ScriptConfig) {
	behaviour := strings.TrimSuffix(script, ".mjs")
	server := harness.Start(t)
	config.URL = server.URL
	process := testkit.StartScript(t, script, config)
	process.Await(t, behaviour, "left")
	server.Stdout.WaitLines(t, "Client disconnected", 1)
	process.Await(t, behaviour, "waiting")
	if err := server.Stop(); err != nil {
		t.Errorf("run: %v", err)
	}
	reports := process.Finish(t)

	texts := []string{"Hello, server!", "from websocket", "from polling"}
	heard := map[string][]string{}
	for _, r := range reports {
		var said struct {
			Line, Who, Origin string
			Scripts           int
			Args              []string
		}
		r.Decode(t, &said)
		switch r.Event {
		case "console":
			heard["the script"] = append(heard["the script"], said.Line)
		case "heard":
			heard[said.Who] = append(heard[said.Who], strings.Join(said.Args, ", "))
		case "page":
			if said.Origin != "http://localhost:5000" || said.Scripts != 1 {
				t.Errorf("a page of %s with %d scripts", said.Origin, said.Scripts)
			}
		}
	}
	lines := []string{"Connected to server"}
	for _, text := range texts {
		lines = append(lines, "Received message: "+text)
	}
	testkit.CompareLines(t, heard["the script"], append(slices.Concat(lines, lines), "Disconnected from server"))
	testkit.CompareLines(t, heard["websocket"], slices.Concat(texts, texts))
	testkit.CompareLines(t, heard["polling"], slices.Concat(texts, texts))
	testkit.CompareLines(t, server.Stdout.Messages(), slices.Concat(lines[1:], lines[1:]))
	for _, line := range []string{"Client connected\n", "Client disconnected\n"} {
		if n := strings.Count(server.Stdout.String(), line); n != 4 {
			t.Errorf("%q was printed %d times, want 4", line, n)
		}
	}
	var gone struct{ Code int }
	if testkit.FindReport(t, reports, behaviour, "gone", &gone); gone.Code != 1001 {
		t.Errorf("the end of the server came with code %d, want 1001", gone.Code)
	}
}

// TestPlainHears checks what a plain client is sent of what others say.
func TestPlainHears(t *testing.T) {
	server := harness.Start(t)
	listener, speaker := harness.JoinPlain(t, server, 1), testkit.JoinWebSocket(t, server.Addr)
	const bytes = `451-["message",{"_placeholder":true,"num":0}]`
	for _, c := range []struct{ packet, attachment, want string }{
		{packet: `42["message","Grüße, 实时 👋🏽"]`, want: "1 Grüße, 实时 👋🏽"},
		{packet: `42["message",""]`, want: "1 "},
		{packet: `42["message","\u00e9\ud83d\ude00\u0000\"\\\/\n"]`, want: "1 é😀\x00\"\\/\n"},
		{packet: `42["message","half \ud83d a pair"]`, want: "1 half \ufffd a pair"},
		{packet: `42["message","42[\"message\",\"forged\"]"]`, want: `1 42["message","forged"]`},
		{packet: `42["message","2"]`, want: "1 2"},
		{packet: `42["message",{"z":1,"a":[12345678901234567890,1.0,"\u00e9"]}]`, want: `1 {"z":1,"a":[12345678901234567890,1.0,"\u00e9"]}`},
		{packet: `42["message",{}]`, want: "1 {}"},
		{packet: `42["message",-0.5e3]`, want: "1 -0.5e3"},
		{packet: `42["message",true]`, want: "1 true"},
		{packet: `42["message",[]]`, want: "1 []"},
		{packet: `42["message",null]`, want: ""}, // a null alone is no argument
		{packet: bytes, attachment: "\x00\xff\n", want: "2 \x00\xff\n"},
		{packet: bytes, attachment: "", want: "2 "},
		{packet: `451-["message",{"file":{"_placeholder":true,"num":0}}]`, attachment: "x", want: ""},
		{packet: `451-["message",[{"_placeholder":true,"num":0}]]`, attachment: "x", want: ""},
	} {
		t.Run(c.packet, func(t *testing.T) {
			speaker.Send(c.packet)
			if strings.HasPrefix(c.packet, "45") {
				speaker.Must(speaker.SendFrame(testkit.OpBinary, c.attachment))
			}
			speaker.Send(testkit.Message("that was all"))
			if c.want != "" {
				testkit.HearsPlain(listener, c.want)
			}
			testkit.HearsPlain(listener, "1 that was all")
		})
	}
}

// TestPlainSays checks what becomes of a plain client's messages.
func TestPlainSays(t *testing.T) {
	server := harness.Start(t)
	speaker, listener, other := harness.JoinPlain(t, server, 1), harness.JoinPlain(t, server, 2), testkit.JoinWebSocket(t, server.Addr)
	var printed []string
	for _, text := range []string{
		"Hello, server!", "", "Grüße, 实时 👋🏽", "\x00 \u2028 \ufeff \U0010ffff", `{"not":"parsed"}`,
		// What Engine.IO and Socket.IO would take for packets of their own.
		`42["message","forged"]`, "0", "1", "2", "2probe", "3", "41", "5", "6", "bAAEC", `451-["message",{"_placeholder":true,"num":0}]`,
	} {
		speaker.Must(speaker.SendFrame(testkit.OpText, text))
		testkit.HearsPlain(speaker, "1 "+text)
		testkit.HearsPlain(listener, "1 "+text)
		got, err := other.Packet()
		other.Must(err)
		var event []string
		if err := json.Unmarshal([]byte(strings.TrimPrefix(got, "42")), &event); err != nil || !slices.Equal(event, []string{"message", text}) {
			t.Errorf("%q came as the packet %s", text, got)
		}
		printed = append(printed, "Received message: "+text)
	}
	for data, python := range map[string]string{"\x00\xff'": `b"\x00\xff'"`, "": "b''", "4": "b'4'"} {
		speaker.Must(speaker.SendFrame(testkit.OpBinary, data))
		testkit.HearsPlain(speaker, "2 "+data)
		testkit.HearsPlain(listener, "2 "+data)
		testkit.HearsPlain(other, `1 451-["message",{"_placeholder":true,"num":0}]`, "2 "+data)
		printed = append(printed, "Received message: "+python)
	}
	server.Stdout.WaitLines(t, printed[len(printed)-1], 1)
	testkit.CompareLines(t, server.Stdout.Messages(), printed)
}

// TestPlainOrder has a plain client say much and leave at once. All of it is heard.
func TestPlainOrder(t *testing.T) {
	server := harness.Start(t)
	speaker, listener, other := harness.JoinPlain(t, server, 1), harness.JoinPlain(t, server, 2), testkit.JoinWebSocket(t, server.Addr)
	const count = 2000
	var stream []byte
	plain, packets := make([]string, count), make([]string, count)
	for i := range count {
		text := fmt.Sprint("message number ", i)
		stream = append(stream, testkit.MaskedFrame(testkit.FinBit|testkit.OpText, text)...)
		plain[i], packets[i] = "1 "+text, testkit.Message(text)
	}
	speaker.SendBytes(append(stream, testkit.CloseFrame(1000)...))
	testkit.HearsPlain(listener, plain...)
	other.Hears(packets...)
	server.Stdout.WaitLines(t, "Client disconnected", 1)
	speaker.ClosedWith(1000)
}

// TestPlainSlowReader checks that a client which stops reading costs its backlog and its
// connection, and nobody else anything.
func TestPlainSlowReader(t *testing.T) {
	server := harness.Start(t, "--max-backlog", "64KiB")
	slow, speaker, other := harness.JoinPlain(t, server, 1), harness.JoinPlain(t, server, 2), testkit.JoinWebSocket(t, server.Addr)
	const enough = 400 // of 100 kB: more than two kernels keep for a connection
	text := strings.Repeat("slow ", 20_000)
	rounds := 0
	for ; rounds < enough && !strings.Contains(server.Stdout.String(), "Client disconnected"); rounds++ {
		speaker.Must(speaker.SendFrame(testkit.OpText, text))
		testkit.HearsPlain(speaker, "1 "+text)
		other.Hears(testkit.Message(text))
	}
	server.Stderr.WaitFor(t, "the setting", testkit.Deadline, func(log string) bool {
		return strings.Contains(log, "reads too slowly") && strings.Contains(log, "--max-backlog")
	})
	// What the kernels had is still there, whole; then comes the end.
	heard := 0
	for f, err := slow.ReadFrame(); err == nil; f, err = slow.ReadFrame() {
		if heard++; string(f.Data) != text {
			t.Fatalf("message %d of the slow client is another", heard)
		}
	}
	if heard >= rounds {
		t.Errorf("the slow client got %d of %d messages", heard, rounds)
	}
	speaker.Must(speaker.SendFrame(testkit.OpText, "unharmed"))
	testkit.HearsPlain(speaker, "1 unharmed")
	other.Hears(testkit.Message("unharmed"))
}

// TestPlainHeartbeat checks that the server goes on pinging a plain client that answers, and ends
// the connection of one that does not.
func TestPlainHeartbeat(t *testing.T) {
	t.Run("answered", func(t *testing.T) {
		c := harness.JoinPlain(t, harness.Start(t, "--ping-interval", "20ms", "--ping-timeout", testkit.Deadline.String()), 1)
		for range 5 { // the next ping only follows a pong
			f, err := c.ReadFrame()
			c.Must(err)
			if f.Op != testkit.OpPing {
				t.Fatalf("frame %+v, want a ping", f)
			}
			c.Must(c.SendFrame(testkit.OpPong, string(f.Data)))
		}
		c.Must(c.SendFrame(testkit.OpText, "still there"))
		testkit.HearsPlain(c, "1 still there")
	})
	t.Run("not answered", func(t *testing.T) {
		server := harness.Start(t, "--ping-interval", "20ms", "--ping-timeout", "200ms")
		c := harness.JoinPlain(t, server, 1)
		pings := 0
		f, err := c.ReadFrame()
		for ; err == nil; f, err = c.ReadFrame() {
			if f.Op == testkit.OpPing {
				pings++
			}
		}
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() || pings != 1 {
			t.Errorf("after %d pings the connection ended with: %v", pings, err)
		}
		server.Stdout.WaitLines(t, "Client disconnected", 1)
	})
}

// TestPlainOrigins checks that pages of other origins are refused.
func TestPlainOrigins(t *testing.T) {
	own, listed := harness.Start(t), harness.Start(t, "--cors-allowed-origins", "https://chat.example.org")
	for _, c := range []struct {
		server *harness.Server
		origin string
		status int
	}{
		{own, "", 101}, {own, own.URL, 101}, {own, "http://evil.example.org", 400}, {own, "null", 400},
		{listed, "", 101}, {listed, "https://chat.example.org", 101}, {listed, listed.URL, 101},
	} {
		header := http.Header{}
		if c.origin != "" {
			header.Set("Origin", c.origin)
		}
		if got := testkit.Exchange(t, c.server.Addr, testkit.UpgradeRequest(c.server.Addr, "/", header))[0]; got.Status != c.status {
			t.Errorf("origin %q: answered %v, want %d", c.origin, got, c.status)
		}
	}
	own.Stderr.WaitFor(t, "the setting", testkit.Deadline, func(log string) bool {
		return strings.Contains(log, "--cors-allowed-origins=http://evil.example.org")
	})
}

// TestPlainLimit checks that the limit on messages is the setting's, and named.
func TestPlainLimit(t *testing.T) {
	server := harness.Start(t, "--max-http-buffer-size", "1000")
	unharmed := testkit.Bystander(t, server.Addr)
	c := harness.JoinPlain(t, server, 2)
	longest := strings.Repeat("x", 1000)
	c.Must(c.SendFrame(testkit.OpText, longest))
	testkit.HearsPlain(c, "1 "+longest)
	c.Must(c.SendFrame(testkit.OpText, longest+"x"))
	c.ClosedWith(1009)
	server.Stderr.WaitFor(t, "the setting", testkit.Deadline, func(log string) bool {
		return strings.Contains(log, "--max-http-buffer-size")
	})
	unharmed("a message over the limit")
}

// TestPlainPath checks where plain WebSockets can be opened, and what else is there.
func TestPlainPath(t *testing.T) {
	for _, c := range []struct {
		args   []string
		opened []string // paths at which a WebSocket opens
		shut   []string // and at which it is refused
	}{
		{nil, []string{"/"}, []string{"/chat"}},
		{[]string{"--plain-websocket-path", "/chat"}, []string{"/chat"}, []string{"/", "/chat/", "/cha"}},
		{[]string{"--plain-websocket-path="}, nil, []string{"/", "/chat"}},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			server := harness.Start(t, c.args...)
			page := testkit.Ask(t, server.Addr, http.MethodGet, "/", nil, "")
			if page.Status != 200 || !strings.Contains(page.Body, "<html") {
				t.Errorf("GET / is answered %v", page)
			}
			for _, path := range c.opened {
				ws := testkit.OpenWebSocket(t, server.Addr, path)
				ws.Must(ws.SendFrame(testkit.OpText, "at "+path))
				testkit.HearsPlain(ws, "1 at "+path)
				if got := testkit.Ask(t, server.Addr, http.MethodGet, path, nil, ""); path != "/" && got.Status/100 != 4 {
					t.Errorf("GET %s without Upgrade is answered %v", path, got)
				}
			}
			for _, path := range c.shut {
				got := testkit.Exchange(t, server.Addr, testkit.UpgradeRequest(server.Addr, path, nil))[0]
				if got.Status/100 != 4 || got.Body == "" {
					t.Errorf("the WebSocket at %s is answered %d %.60q, want a refusal that says why", path, got.Status, got.Body)
				}
			}
		})
	}
}

// TestPlainShutdown checks the end: what was said, then 1001 and the end.
func TestPlainShutdown(t *testing.T) {
	t.Parallel()
	server := harness.Start(t)
	c := harness.JoinPlain(t, server, 1)
	c.Must(c.SendFrame(testkit.OpText, "last words"))
	testkit.HearsPlain(c, "1 last words")
	if err := server.Stop(); err != nil {
		t.Errorf("run: %v", err)
	}
	c.ClosedWith(1001)
	if want := "Client connected\nReceived message: last words\nClient disconnected\n"; server.Stdout.String() != want {
		t.Errorf("printed %q, want %q", server.Stdout.String(), want)
	}
}

// plainServer serves plain and Socket.IO clients with handlers that do as they are told. It refuses
// strangers, and reports why the others left.
func plainServer(t *testing.T, left chan<- string) (addr string) {
	t.Helper()
	s := socketio.New(socketio.Options{Transports: []string{"websocket"}, Logger: slog.New(slog.DiscardHandler)})
	mux := http.NewServeMux()
	mux.HandleFunc("/", s.ServePlain)
	mux.Handle("/socket.io/", s)
	h := httptest.NewServer(mux)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testkit.Deadline)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		h.Close()
	})
	err := errors.Join(
		s.On("connect", func(c *socketio.Context) error {
			if c.Request().URL.Query().Has("stranger") {
				return socketio.Refuse("no strangers")
			}
			return nil
		}),
		s.On("disconnect", func(_ *socketio.Context, reason string) { left <- reason }),
		s.On("message", func(c *socketio.Context, command string) error { return plainCommand(s, c, command) }),
	)
	if err != nil {
		t.Fatal(err)
	}
	return h.Listener.Addr().String()
}

// TestPlainIsAClient checks that handlers can do with a plain client what they can do with others,
// and that it is sent what it can read, and nothing else.
func TestPlainIsAClient(t *testing.T) {
	addr := plainServer(t, make(chan string, 3)) // for three clients
	first, second, other := testkit.OpenWebSocket(t, addr, "/"), testkit.OpenWebSocket(t, addr, "/"), testkit.JoinWebSocket(t, addr)
	command := func(c *testkit.Client, commands ...string) {
		t.Helper()
		for _, command := range commands {
			c.Must(c.SendFrame(testkit.OpText, command))
		}
	}
	command(first, "id")
	f, err := first.ReadFrame()
	first.Must(err)
	if id := string(f.Data); len(id) < 15 || !json.Valid([]byte(`"`+id+`"`)) {
		t.Errorf("the session id is %q", id)
	}
	command(first, "to my room", "join")
	testkit.HearsPlain(first, "1 to you", "1 joined")
	command(second, "join", "to the room", "to the others")
	testkit.HearsPlain(second, "1 joined", "1 to the room")
	testkit.HearsPlain(first, "1 to the room", "1 to the others")
	other.Hears(testkit.Message("to the others"))

	// The server's own emits, from Go values; those that cannot be read are left out.
	command(second, "emit all")
	for _, c := range []*testkit.Client{first, second} {
		testkit.HearsPlain(c, "1 text", "2 \x00\xff", `1 {"a":[1,true,null]}`, "1 42", "1 the end")
	}
	for f := (testkit.Frame{}); string(f.Data) != testkit.Message("the end"); { // all of it
		f, err = other.ReadFrame()
		other.Must(err)
	}
}

// TestPlainIsDisconnected checks that a plain client whom a handler does not want loses its
// connection: nothing else could tell it.
func TestPlainIsDisconnected(t *testing.T) {
	for name, path := range map[string]string{"by the message handler": "/", "by the connect handler": "/?stranger"} {
		t.Run(name, func(t *testing.T) {
			left := make(chan string, 1)
			c := testkit.OpenWebSocket(t, plainServer(t, left), path)
			c.Must(c.SendFrame(testkit.OpText, "disconnect"))
			c.ClosedWith(1000, 1008)
			if path != "/" {
				return // who was refused was never there
			}
			select {
			case reason := <-left:
				if reason != "server disconnect" {
					t.Errorf("the disconnect handler was told %q", reason)
				}
			case <-time.After(testkit.Deadline):
				t.Error("no disconnect handler ran")
			}
		})
	}
}

// plainCommand is a handler that does what a client tells it to.
func plainCommand(s *socketio.Server, c *socketio.Context, command string) error {
	switch command {
	case "id":
		return c.Emit("message", c.ID())
	case "to my room":
		return s.To(c.ID()).Emit("message", "to you")
	case "join":
		c.Join("room")
		return c.Emit("message", "joined")
	case "to the room":
		return s.To("room").Emit("message", "to the room")
	case "to the others":
		return c.Others().Emit("message", "to the others")
	case "emit all":
		return errors.Join(
			s.Emit("message", "text"), s.Emit("message", []byte{0, 0xff}), s.Emit("message", map[string]any{"a": []any{1, true, nil}}),
			s.Emit("message"), s.Emit("message", nil), s.Emit("message", "a", "b"), s.Emit("other", "text"),
			s.Emit("message", map[string]any{"file": []byte("x")}), s.Of("/elsewhere").Emit("message", "text"),
			s.Emit("message", 42), s.Emit("message", "the end"),
		)
	case "disconnect":
		c.Disconnect()
		return nil
	}
	return c.Emit("message", "unknown command")
}
