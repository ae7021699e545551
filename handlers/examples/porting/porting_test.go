package porting

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"hipflask/server/hipflask/hipflasktest"
	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
	"hipflask/testdata/testkit"
)

func TestDivide(t *testing.T) {
	app := hipflasktest.New(t, Register)
	c := socketiotest.Connect(t, app.SocketIO, socketiotest.Options{
		Auth: map[string]string{"token": "secret"},
	})
	if got := fmt.Sprint(c.Call("divide", 7, 2)); got != "[3 1]" {
		t.Errorf("acknowledged with %s", got)
	}
	c.Receive("welcome")
}

// page is what the tests need of PORTING.md.
type page struct {
	goBlocks, pythonBlocks []string
	emits, rooms           [][2]string // Python, Go
}

func readPage(t *testing.T) page {
	t.Helper()
	text, err := os.ReadFile("../../PORTING.md")
	if err != nil {
		t.Fatal(err)
	}
	var p page
	for _, block := range regexp.MustCompile("(?s)```(go|python)\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		if block[1] == "go" {
			p.goBlocks = append(p.goBlocks, block[2])
		} else {
			p.pythonBlocks = append(p.pythonBlocks, block[2])
		}
	}
	p.emits, p.rooms = table(string(text), "## Emitting"), table(string(text), "## Rooms")
	if len(p.goBlocks) < 10 || len(p.pythonBlocks) < 10 || len(p.emits) < 10 || len(p.rooms) < 5 {
		t.Fatalf("the page was not understood: %d, %d, %d, %d", len(p.goBlocks), len(p.pythonBlocks), len(p.emits), len(p.rooms))
	}
	return p
}

// table returns the rows of a section's table.
func table(text, heading string) (rows [][2]string) {
	_, section, _ := strings.Cut(text, heading)
	section, _, _ = strings.Cut(section, "\n## ")
	for _, row := range regexp.MustCompile("(?m)^\\| `(.*)` \\| `(.*)` \\|$").FindAllStringSubmatch(section, -1) {
		rows = append(rows, [2]string{row[1], row[2]})
	}
	return rows
}

// Each piece of Go on the page stands in this folder, where it is compiled and run.
func TestPageIsThisCode(t *testing.T) {
	p := readPage(t)
	code, tests := source(t, "porting.go")+source(t, "routes.go"), source(t, "porting_test.go")
	for _, block := range p.goBlocks {
		if !strings.Contains(code, block) && !strings.Contains(tests, block) {
			t.Errorf("not in this folder, or not in this form:\n%s", block)
		}
	}
	for name, rows := range map[string][][2]string{"emits": p.emits, "rooms": p.rooms} {
		_, body, _ := strings.Cut(code, "func (a *application) "+name+"(")
		body, _, _ = strings.Cut(body, "\n}")
		lines := regexp.MustCompile(`(?m)^\t\tfunc\(\).*\{ (?:return )?(.*) \},$`).FindAllStringSubmatch(body, -1)
		if len(lines) != len(rows) {
			t.Fatalf("%s has %d rows, the page has %d", name, len(lines), len(rows))
		}
		for i, row := range rows {
			if lines[i][1] != row[1] {
				t.Errorf("row %d of %s is %s, on the page it is %s", i, name, lines[i][1], row[1])
			}
		}
	}
}

func source(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// step is a client, which connects with its first, an event, and its arguments. Behind the
// client's name is its namespace, if that is not "/". "disconnect" ends it.
type step []any

// steps are run one after another. want is the acknowledgement and what the client
// has received.
func steps() (steps []step, want []string) {
	for _, s := range []struct {
		step step
		want string
	}{
		{step{"a", "divide", 7, 2}, `[[3,1],[["welcome"]]]`},
		{step{"a", "nothing"}, `[[],[]]`},
		{step{"a", "count to", 3}, `[[1,2,3],[]]`},
		{step{"a", "count to", 0}, `[[],[]]`},
		{step{"a", "find", "Ann"}, `[null,[]]`},
		{step{"a", "other event", map[string]int{"n": 1}}, `[[],[]]`},
		{step{"a", "sum", 1, 2, 3}, `[6,[]]`},
		{step{"a", "sum"}, `[0,[]]`},
		{step{"a", "keep", map[string]any{"a": []any{nil, true}, "z": 1.5}}, `[[],[["kept",{"a":[null,true],"z":1.5}]]]`},
		{step{"a", "keep", nil}, `[[],[["kept"]]]`},
		{step{"a", "visit"}, `[[1,""],[]]`},
		{step{"b", "visit"}, `[[1,""],[["welcome"]]]`},
		{step{"a", "visit"}, `[[2,""],[]]`},
		{step{"a/rooms", "enter", "Ann", "hall"}, `[[],[]]`},
		{step{"b/rooms", "enter", "Bob", "hall"}, `[[],[]]`},
		{step{"a/rooms", "disconnect"}, `[[],"disconnected"]`},
		{step{"b/rooms", "enter", "Bob", "hall"}, `[[],[["left","Ann"]]]`},
		{step{"a/hall", "come", "Zoe"}, `[[],[]]`},
		{step{"b/hall", "come", "Bob"}, `[[],[]]`},
		{step{"b/hall", "who"}, `[["Bob","Zoe"],[]]`},
		{step{"b/hall", "how many"}, `[2,[]]`},
		{step{"a/hall", "disconnect"}, `[[],"disconnected"]`},
		{step{"b/hall", "who"}, `[["Bob"],[]]`},
		{step{"b/hall", "how many"}, `[1,[]]`},
	} {
		steps, want = append(steps, s.step), append(want, s.want)
	}
	return steps, want
}

// heard is who gets what of the clients a, b, c and d. a is the sender; a and b are
// in the room; d is in the namespace /test.
func heard(who, event string) string {
	var all []string
	for _, name := range []string{"a", "b", "c", "d"} {
		switch {
		case strings.Contains(who, name):
			all = append(all, "["+event+"]")
		case strings.Contains(who, strings.ToUpper(name)):
			all = append(all, `"disconnected"`)
		default:
			all = append(all, "[]")
		}
	}
	return "[" + strings.Join(all, ",") + "]"
}

func wantEmits() []string {
	const rx = `["r","x"]`
	return []string{
		heard("a", rx), heard("a", `["r"]`), heard("a", `["r",1,"two"]`), heard("a", `["r",null]`), heard("a", `["r",[1,2]]`), heard("a", `["r",{"n":1}]`),
		heard("a", `["message","x"]`), heard("a", `["json",{"n":1}]`),
		heard("a b c", rx), heard("b c", rx), heard("a", rx), heard("b", rx), heard("a b", rx), heard("a b", rx), heard("b", rx), heard("a", rx),
		heard("d", rx), heard("a b c", rx), heard("a b", rx),
	}
}

// wantRooms is who is in the room after each row. A capital letter is a client that
// was disconnected.
func wantRooms() []string {
	const m = `["member"]`
	return []string{
		heard("a", m), heard("b", m), heard("b", m), heard("a", m), heard("", m), heard("A b", m), heard("a B", m),
	}
}

// The Go of the page does what is wanted.
func TestGo(t *testing.T) {
	p := readPage(t)
	todo, want := steps()
	check(t, "step", runSteps(t, todo), want)
	todo, want = visits()
	check(t, "visit", runVisits(t, todo), want)
	var emits, rooms []string
	for i := range p.emits {
		emits = append(emits, runRow(t, true, false, func(a *application, c *socketio.Context, sid string) error {
			return a.emits(c, sid, "room")[i]()
		}))
	}
	check(t, "row of Emitting", emits, wantEmits())
	for i, row := range p.rooms {
		rooms = append(rooms, runRow(t, !joins(row), true, func(a *application, c *socketio.Context, sid string) error {
			a.rooms(c, sid, "room")[i]()
			return nil
		}))
	}
	check(t, "row of Rooms", rooms, wantRooms())
}

// The Python of the page does the same, on the real Flask-SocketIO.
func TestPython(t *testing.T) {
	p := readPage(t)
	todo, want := steps()
	toVisit, wantVisits := visits()
	input := map[string]any{
		"blocks": p.pythonBlocks, "steps": todo, "visits": toVisit, "emits": pythonOf(p.emits), "rooms": pythonOf(p.rooms),
	}
	var got struct{ Steps, Visits, Emits, Rooms []json.RawMessage }
	if err := json.Unmarshal(askFlask(t, input), &got); err != nil {
		t.Fatal(err)
	}
	check(t, "step", texts(t, got.Steps), want)
	check(t, "visit", texts(t, got.Visits), wantVisits)
	check(t, "row of Emitting", texts(t, got.Emits), wantEmits())
	check(t, "row of Rooms", texts(t, got.Rooms), wantRooms())
}

func check(t *testing.T, what string, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("there are %d of %s, wanted are %d", len(got), what, len(want))
		return
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s %d gave\n%s, want\n%s", what, i, got[i], want[i])
		}
	}
}

func joins(row [2]string) bool { return strings.HasPrefix(row[0], "join_room") }

func pythonOf(rows [][2]string) (python []string) {
	for _, row := range rows {
		python = append(python, row[0])
	}
	return python
}

func texts(t *testing.T, values []json.RawMessage) (texts []string) {
	t.Helper()
	for _, v := range values {
		var value any // written again, for Python escapes what Go does not
		if err := json.Unmarshal(v, &value); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	return texts
}

// askFlask runs flask_test.py and returns the line that it prints. Without Flask-SocketIO
// the test is skipped, but in CI it fails.
func askFlask(t *testing.T, input any) []byte {
	t.Helper()
	testkit.NeedModules(t, "flask_socketio")
	stdin, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	return []byte(strings.Join(testkit.RunPython(t, stdin, "flask_test.py"), "\n"))
}
