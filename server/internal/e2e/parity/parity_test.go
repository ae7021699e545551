// Package parity tests that the server does what the document's Python server does on the real
// Flask-SocketIO: both play the same scenes.
package parity

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// The document's Python server on the real Flask-SocketIO, and ours, play the same scenes. What the
// clients received and what stood on stdout must be the same, but for the differences in
// table_test.go and table_http_test.go. Where the Flask-SocketIO of Debian is older than the one to
// match, testdata/flask/current.json rules.
//
// Scenes are in frames_test.go (bare packets), values_test.go (random values), http_test.go and
// origins_test.go (requests), options_test.go (settings), clients_test.go (npm clients) and
// ends_test.go (disconnects).

// stage is a pair of servers with the same settings, and the scenes for them.
type stage struct {
	name   string
	flask  string   // settings as launch.py takes them
	ours   []string // the same as flags
	scenes []scene
}

// scene is something that clients do.
type scene struct {
	name string
	play func(s *story)
}

func stages(t *testing.T) []stage {
	return append(optionStages(),
		silentStage(),
		stage{name: "clients", flask: `{}`, scenes: clientScenes()},
		stage{name: "defaults", flask: `{}`, scenes: slices.Concat(
			frameScenes(), requestScenes(), proxyScenes(), endScenes(), hangScenes(),
			[]scene{valueScene(randomMessages(t))},
		)},
	)
}

func TestParity(t *testing.T) {
	testkit.NeedFlask(t)
	testkit.NeedNode(t)
	l := &ledger{entries: make(map[string]*entry)}
	all := stages(t)
	t.Run("play", func(t *testing.T) {
		for _, st := range all {
			t.Run(st.name+" on Flask-SocketIO", func(t *testing.T) {
				t.Parallel()
				playAll(t, startFlask(t, st.flask), st.scenes, l)
			})
			t.Run(st.name+" on Hipflask", func(t *testing.T) {
				t.Parallel()
				// Sessions that scenes leave behind are waited for, here not for long.
				ours := harness.Start(t, append([]string{"--shutdown-timeout", "5s"}, st.ours...)...)
				// An error of stop is reported when the test ends.
				playAll(t, &side{addr: ours.Addr, stdout: ours.Stdout, stderr: ours.Stderr, stop: func() { _ = ours.Stop() }}, st.scenes, l)
			})
		}
	})
	switch {
	case t.Failed():
	case l.played < 2*len(all):
		t.Log("not every stage was played, so nothing was compared")
	default:
		l.compare(t, differences(), readRulings(t))
	}
}

// side is one of the two servers.
type side struct {
	isFlask        bool
	addr           string
	stdout, stderr *testkit.Output
	stop           func() // ends it as an operator would, and waits
}

// story is a scene while it is played on one side.
type story struct {
	*side
	t           *testing.T
	name        string
	ledger      *ledger
	disconnects int // "Client disconnected" lines that are due
	from        int // where the scene's stdout begins
}

func playAll(t *testing.T, on *side, scenes []scene, l *ledger) {
	for _, sc := range scenes {
		s := &story{side: on, t: t, name: sc.name, ledger: l, from: len(on.stdout.String())}
		sc.play(s)
		s.finish()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.played++
}

// saw notes what was seen, under the scene's name and this aspect's.
func (s *story) saw(aspect, what string) {
	s.t.Helper()
	name := s.name + ": " + aspect
	if !s.ledger.add(name, s.isFlask, what) {
		s.t.Fatalf("%q was noted twice", name)
	}
}

// finish waits for the disconnects that are due and notes what was printed.
func (s *story) finish() {
	s.t.Helper()
	if s.disconnects == 0 {
		return
	}
	s.awaitDisconnects()
	s.saw("stdout", s.stdout.String()[s.from:])
}

func (s *story) awaitDisconnects() {
	s.t.Helper()
	s.stdout.WaitFor(s.t, "end of "+s.name+", with every disconnect", testkit.Deadline, func(text string) bool {
		return strings.Count(text[s.from:], "Client disconnected\n") >= s.disconnects
	})
}

// ledger keeps what was seen on both sides.
type ledger struct {
	mu      sync.Mutex
	entries map[string]*entry
	played  int // stages, on either side
}

// entry is one thing that was seen.
type entry struct{ flask, ours *string }

func (l *ledger) add(name string, isFlask bool, what string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entries[name]
	if e == nil {
		e = new(entry)
		l.entries[name] = e
	}
	side := &e.ours
	if isFlask {
		side = &e.flask
	}
	isNew := *side == nil
	*side = &what
	return isNew
}

// compare checks that both sides saw the same but for the differences, and that each difference is
// still one.
func (l *ledger) compare(t *testing.T, rows []difference, rulings []ruling) {
	for _, name := range slices.Sorted(maps.Keys(l.entries)) {
		e := l.entries[name]
		if e.flask == nil || e.ours == nil {
			t.Errorf("%s: seen on one side only", name)
			continue
		}
		flask, ours := *e.flask, *e.ours
		for i, r := range rulings {
			if flask == r.Older && isAbout(r.Name, name) {
				flask = r.Current
				rulings[i].shown = true
			}
		}
		if flask == ours {
			continue
		}
		i := slices.IndexFunc(rows, func(d difference) bool {
			return d.flask == flask && d.ours == ours && isAbout(d.name, name)
		})
		if i < 0 {
			from := parting(flask, ours)
			t.Errorf("%s:\nFlask-SocketIO %s\nours           %s", name, quoted(flask, from), quoted(ours, from))
			continue
		}
		rows[i].shown = true
	}
	for _, row := range rows {
		if !row.shown {
			t.Errorf("the table has %q, from %s to %s, which did not show", row.name, quoted(row.flask, 0), quoted(row.ours, 0))
		}
	}
	for _, r := range rulings {
		if !r.shown {
			t.Logf("this Flask-SocketIO does no longer what testdata/flask/current.json says of older ones: %s", r.Name)
		}
	}
	t.Logf("%d things compared, %d differences", len(l.entries), len(rows))
}

// parting is where two texts begin to differ, and a little before.
func parting(a, b string) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return max(i-100, 0)
}

// quoted writes what was seen from some index on, on one line.
func quoted(text string, from int) string {
	if from > 0 {
		return fmt.Sprintf("... %.500q", text[from:])
	}
	return fmt.Sprintf("%.500q", text)
}
