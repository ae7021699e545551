// Package protocol tests what the server puts on the wire: HTTP, WebSocket, Engine.IO 3 and 4,
// Socket.IO, byte for byte over raw connections.
package protocol

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// TestWire plays the conversations of testdata/wire, whose README says how they are written.
func TestWire(t *testing.T) {
	files, err := filepath.Glob(testkit.Testdata("wire", "*.wire"))
	if err != nil || len(files) == 0 {
		t.Fatal("no conversations", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".wire"), func(t *testing.T) {
			t.Parallel()
			playWire(t, string(text))
		})
	}
}

// wire is a conversation that is being played.
type wire struct {
	t      *testing.T
	server *harness.Server
	args   []string        // of the server, until there is one
	polls  *testkit.Poller // reads bodies; its waiting packets are for "packet"
	target string          // that is polled
	header http.Header
	known  map[string]string

	conn    net.Conn // of the last get
	polled  chan testkit.Answer
	ws      *testkit.Client
	held    []byte // frames that wait for the next
	printed int    // bytes of stdout that are dealt with
}

func playWire(t *testing.T, text string) {
	w := &wire{t: t, header: make(http.Header), known: map[string]string{"RS": "\x1e"}}
	named := 0
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case word == "client" || word == "source":
			named++
		case word == "eio":
			w.polls = &testkit.Poller{T: t, Version: int(rest[0] - '0')}
		case word == "server":
			w.args = strings.Fields(rest)
		case named != 2 || w.polls == nil:
			t.Fatal("the head has to name client, source and eio")
		default:
			w.start()
			if err := w.play(word, rest); err != nil {
				t.Fatalf("line %d, %s: %v", number, line, err)
			}
		}
	}
	if w.server == nil || named != 2 {
		t.Fatal("nothing is said")
	}
}

func (w *wire) start() {
	if w.server == nil {
		w.server = harness.Start(w.t, w.args...)
		w.known["host"] = w.server.Addr
	}
}

// play plays one line.
func (w *wire) play(word, rest string) error {
	switch word {
	case "header":
		name, value, _ := strings.Cut(rest, ": ")
		w.header.Set(name, w.filled(value))
	case "get":
		w.target = rest
		return w.get()
	case "polls":
		w.target = rest
	case "packet":
		return w.packet(rest)
	case "post":
		target, body, _ := strings.Cut(rest, " ")
		got := testkit.Ask(w.t, w.server.Addr, http.MethodPost, w.filled(target), w.with("Content-Type", "text/plain;charset=UTF-8"), w.filled(body))
		if got.Status != http.StatusOK || got.Body != "ok" {
			return fmt.Errorf("answered %v", got)
		}
	case "poll":
		return w.poll(rest)
	case "polled":
		got := <-w.polled
		return w.compare(strings.Join(w.packetsOf(got), "\x1e"), rest)
	case "refused":
		target, status, _ := strings.Cut(rest, " ")
		if got := testkit.Ask(w.t, w.server.Addr, http.MethodGet, target, w.header, ""); fmt.Sprint(got.Status) != status {
			return fmt.Errorf("answered %v", got)
		}
	case "printed":
		return w.awaitPrinted(w.filled(rest))
	default:
		return w.playWebSocket(word, rest)
	}
	return nil
}

// playWebSocket plays a line about the WebSocket.
func (w *wire) playWebSocket(word, rest string) error {
	switch word {
	case "open", "reuse":
		conn, err := w.conn, error(nil)
		if word == "open" {
			conn, err = testkit.DialTCP(w.server.Addr)
		}
		if err != nil {
			return err
		}
		w.t.Cleanup(func() { _ = conn.Close() })
		ws, err := testkit.ShakeHands(conn, testkit.UpgradeRequest(w.server.Addr, w.filled(rest), w.header))
		w.ws = &testkit.Client{WebSocket: ws, T: w.t}
		return err
	case "send+":
		w.held = append(w.held, testkit.TextFrames(w.filled(rest))...)
	case "send":
		return w.write(testkit.TextFrames(w.filled(rest)))
	case "bytes":
		data, err := hex.DecodeString(rest)
		if err != nil {
			return err
		}
		return w.write(testkit.MaskedFrame(testkit.FinBit|testkit.OpBinary, string(data)))
	case "hear":
		if len(w.polls.Waiting) > 0 { // CONNECT, which Engine.IO 3 is sent unasked, may have come with OPEN
			return w.packet(rest)
		}
		got, err := w.ws.Packet()
		if err != nil {
			return err
		}
		return w.compare(got, rest)
	case "heard":
		f, err := w.ws.ReadFrame()
		if err == nil && (f.Op != testkit.OpBinary || hex.EncodeToString(f.Data) != rest) {
			err = fmt.Errorf("a frame with opcode %#x and %x came", f.Op, f.Data)
		}
		return err
	case "close":
		return w.ws.Close()
	default:
		return fmt.Errorf("%q is no word of a conversation", word)
	}
	return nil
}

// write sends frames together with those that were held back.
func (w *wire) write(frames []byte) error {
	frames = append(w.held, frames...)
	w.held = nil
	return w.ws.WriteBytes(frames)
}

// get polls over a connection that stays open.
func (w *wire) get() error {
	conn, got, err := w.request(w.target)
	if err != nil {
		return err
	}
	answer := <-got
	w.conn = conn
	if answer.Status != http.StatusOK {
		return fmt.Errorf("answered %v", answer)
	}
	w.polls.Waiting = w.packetsOf(answer)
	return nil
}

// poll begins a poll.
func (w *wire) poll(target string) (err error) {
	_, w.polled, err = w.request(target)
	return err
}

// request sends a GET over a connection of its own; the answer comes when it comes.
func (w *wire) request(target string) (net.Conn, chan testkit.Answer, error) {
	conn, err := testkit.DialTCP(w.server.Addr)
	if err != nil {
		return nil, nil, err
	}
	w.t.Cleanup(func() { _ = conn.Close() })
	var b strings.Builder
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\n", w.filled(target), w.server.Addr)
	_ = w.header.Write(&b) // a strings.Builder takes everything
	if _, err := conn.Write([]byte(b.String() + "\r\n")); err != nil {
		return nil, nil, err
	}
	c := make(chan testkit.Answer, 1)
	go func() {
		got, err := testkit.ReadAnswer(conn, bufio.NewReader(conn), http.MethodGet)
		if err != nil {
			got = testkit.Answer{Body: err.Error()}
		}
		c <- got
	}()
	return conn, c, nil
}

// packetsOf takes the answer to a poll apart.
func (w *wire) packetsOf(got testkit.Answer) []string {
	packets, err := w.polls.Packets(got.Body)
	if err != nil || got.Status != http.StatusOK {
		w.t.Errorf("a poll was answered %v: %v", got, err)
	}
	return packets
}

// packet takes the next packet that a poll brought.
func (w *wire) packet(pattern string) error {
	for len(w.polls.Waiting) == 0 {
		if err := w.get(); err != nil {
			return err
		}
	}
	got := w.polls.Waiting[0]
	w.polls.Waiting = w.polls.Waiting[1:]
	return w.compare(got, pattern)
}

// with is the header and one field more.
func (w *wire) with(name, value string) http.Header {
	header := w.header.Clone()
	header.Set(name, value)
	return header
}

var wirePlaceholder = regexp.MustCompile(`\{(\*|[A-Za-z]+)\}`)

// filled puts in what is known.
func (w *wire) filled(text string) string {
	return wirePlaceholder.ReplaceAllStringFunc(text, func(placeholder string) string {
		if value, ok := w.known[placeholder[1:len(placeholder)-1]]; ok {
			return value
		}
		return placeholder
	})
}

// compare compares with a pattern, and learns the words that stand for its placeholders.
func (w *wire) compare(got, pattern string) error {
	pattern = w.filled(pattern)
	var expression strings.Builder
	var names []string
	last := 0
	for _, m := range wirePlaceholder.FindAllStringSubmatchIndex(pattern, -1) {
		expression.WriteString(regexp.QuoteMeta(pattern[last:m[0]]))
		if name := pattern[m[2]:m[3]]; name == "*" {
			expression.WriteString(`.*`)
		} else {
			names = append(names, name)
			expression.WriteString(`([\w.-]+)`)
		}
		last = m[1]
	}
	expression.WriteString(regexp.QuoteMeta(pattern[last:]))
	found := regexp.MustCompile(`(?s)^` + expression.String() + `$`).FindStringSubmatch(got)
	if found == nil {
		return fmt.Errorf("%.300q came", got)
	}
	for i, name := range names {
		w.known[name] = found[i+1]
	}
	return nil
}

// awaitPrinted waits for a line behind those that were awaited before.
func (w *wire) awaitPrinted(line string) error {
	w.server.Stdout.WaitFor(w.t, line, testkit.Deadline, func(all string) bool {
		at := strings.Index(all[w.printed:], line+"\n")
		if at < 0 {
			return false
		}
		w.printed += at + len(line) + 1
		return true
	})
	return nil
}
