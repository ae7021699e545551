package sparse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// begin makes a log with a clock that the test sets.
func begin(level slog.Level) (h *Handler, log *slog.Logger, out *bytes.Buffer, clock *time.Time) {
	out = new(bytes.Buffer)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	clock = &at
	h = New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: level, ReplaceAttr: withoutTime}), func() time.Time { return *clock })
	return h, slog.New(h), out, clock
}

func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

func expect(t *testing.T, out *bytes.Buffer, want ...string) {
	t.Helper()
	all := strings.Join(want, "\n")
	if len(want) > 0 {
		all += "\n"
	}
	if got := out.String(); got != all {
		t.Errorf("logged\n%swant\n%s", got, all)
	}
	out.Reset()
}

// Of one cause there are five lines a second, whoever asks for them, and then a count.
func TestFiveASecondByCause(t *testing.T) {
	h, log, out, clock := begin(slog.LevelInfo)
	other := log.With("name", "value")
	for range 50 {
		log.Warn("first")
		other.Warn("first")
		log.WarnContext(As(context.Background(), "named"), "second")
	}
	if got := strings.Count(out.String(), "first"); got != perSecond {
		t.Errorf("%d lines of the first cause, want %d", got, perSecond)
	}
	if got := strings.Count(out.String(), "second"); got != perSecond {
		t.Errorf("%d lines of the second cause, want %d", got, perSecond)
	}
	out.Reset()
	*clock = clock.Add(time.Second - 1)
	log.Warn("first")
	expect(t, out)
	*clock = clock.Add(1)
	log.Warn("first", "more", 1)
	log.Warn("first")
	log.WarnContext(As(context.Background(), "named"), "also named")
	expect(t, out, "level=WARN msg=first more=1 not_logged_before=96", "level=WARN msg=first",
		`level=WARN msg="also named" not_logged_before=45`)

	for range 10 {
		log.Error("first")
		log.Debug("unseen")
	}
	out.Reset()
	h.Flush()
	h.Flush()
	expect(t, out, `level=ERROR msg="log lines left out" cause=first not_logged_before=7`)
}

// What happens once in the life of a connection is logged for each.
func TestEach(t *testing.T) {
	_, log, out, _ := begin(slog.LevelInfo)
	for range 100 {
		log.InfoContext(Each(context.Background()), "connection ended")
	}
	if got := strings.Count(out.String(), "\n"); got != 100 {
		t.Errorf("%d lines, want 100", got)
	}
}

// A line that is not logged is not formatted.
func TestWhatIsLeftOutIsNotFormatted(t *testing.T) {
	_, log, _, _ := begin(slog.LevelInfo)
	formatted := 0
	for range 100 {
		log.Error("failed", "error", counted{&formatted})
	}
	if formatted != perSecond {
		t.Errorf("formatted %d times, want %d", formatted, perSecond)
	}
}

type counted struct{ times *int }

func (c counted) Error() string {
	*c.times++
	return "broken"
}

// Causes that clients could choose after all do not fill the memory, nor the log.
func TestCausesAreBounded(t *testing.T) {
	h, log, out, clock := begin(slog.LevelInfo)
	for i := range 10 * maxCauses {
		log.Info(fmt.Sprint("cause ", i))
	}
	if got := len(h.all.causes); got > maxCauses+1 {
		t.Errorf("%d causes are remembered, want %d at most", got, maxCauses+1)
	}
	if got := strings.Count(out.String(), "\n"); got > maxCauses+perSecond {
		t.Errorf("%d lines, want %d at most", got, maxCauses+perSecond)
	}
	*clock = clock.Add(time.Second)
	log.Info("a new one")
	if got := len(h.all.causes); got > 2 {
		t.Errorf("%d causes are remembered a second later, want 2: the new one, and that of those left out", got)
	}
}

// Every value is cut, of whatever type, in groups and attributes of the logger too, and the
// message.
func TestValuesAreCut(t *testing.T) {
	_, log, out, _ := begin(slog.LevelInfo)
	long := strings.Repeat("x", 100_000)
	log.With("a", long).WithGroup("g").Info(long, "b", long, "c", errors.New(long), "d", []string{long},
		slog.Group("h", "e", long), "f", lazy(long), "nothing", nil, "stack", long)
	if got, most := out.Len(), 7*(maxValue+100)+maxStack+100; got > most {
		t.Errorf("the line has %d bytes, want %d at most", got, most)
	}
	if got := strings.Count(out.String(), "... (100000 bytes)"); got != 7 {
		t.Errorf("%d cuts are marked, want 7:\n%s", got, out)
	}
	out.Reset()
	log.Info("short", "a", "text", "b", errors.New("error"), "c", 7, "d", time.Second, "e", true, slog.Group("g", "f", 1.5))
	expect(t, out, `level=INFO msg=short a=text b=error c=7 d=1s e=true g.f=1.5`)
}

type lazy string

func (l lazy) LogValue() slog.Value { return slog.StringValue(string(l)) }

func TestCutKeepsCharactersWhole(t *testing.T) {
	for _, text := range []string{strings.Repeat("ä", 300), strings.Repeat("世", 300), "x" + strings.Repeat("😀", 300)} {
		for most := 190; most < 200; most++ {
			got := shorten(text, most)
			kept, _, _ := strings.Cut(got, "... (")
			if !utf8.ValidString(got) || len(kept) > most || len(kept) < most-3 || !strings.HasPrefix(text, kept) {
				t.Errorf("cut at %d: %q", most, got)
			}
		}
	}
	if got := Cut(strings.Repeat("\x80", 300)); got != strings.Repeat("\x80", maxPart)+"... (300 bytes)" {
		t.Errorf("what is no UTF-8: %q", got)
	}
	whole := strings.Repeat("x", maxPart)
	if got := Cut(whole); got != whole {
		t.Errorf("what fits: %q", got)
	}
}

// Whatever text a URL comes in, its session id is not shown.
func TestSessionIDsInQueryStrings(t *testing.T) {
	_, log, out, _ := begin(slog.LevelInfo)
	log.Info("failed", "error", errors.New(`Get "http://h/?sid=SECRET": EOF`), "a", "sid=SECRET&t=1&sid=SECRET", "b", "sid=", "c", "/?a=1&sid=SECRET#x")
	expect(t, out, `level=INFO msg=failed error="Get \"http://h/?sid=...\": EOF" a="sid=...&t=1&sid=..." b="sid=" c="/?a=1&sid=...#x"`)
	log.Info("cut", "a", strings.Repeat("x", maxValue-len("sid=SEC"))+"sid=SECRET")
	if strings.Contains(out.String(), "SEC") {
		t.Error("half an id is shown")
	}
}

// What a library writes to its error log is one cause, however it words it.
func TestErrorLog(t *testing.T) {
	_, log, out, _ := begin(slog.LevelDebug)
	l := ErrorLog(log, slog.LevelDebug, "HTTP server")
	for i := range 20 {
		l.Printf("http: TLS handshake error from 192.0.2.1:%d: EOF", i)
	}
	if got := strings.Count(out.String(), "\n"); got != perSecond {
		t.Errorf("%d lines, want %d", got, perSecond)
	}
	if want := `level=DEBUG msg="HTTP server" error="http: TLS handshake error from 192.0.2.1:0: EOF"`; !strings.HasPrefix(out.String(), want) {
		t.Errorf("logged %s, want %s", out, want)
	}
}

// Two packages that both see to it for their lines share one count.
func TestLoggerIsWrappedOnce(t *testing.T) {
	var out bytes.Buffer
	once := Logger(slog.New(slog.NewTextHandler(&out, nil)))
	twice := Logger(once.With("a", 1))
	for range 10 {
		once.Info("line")
		twice.Info("line")
	}
	if got := strings.Count(out.String(), "\n"); got > 2*perSecond { // the clock is the real one: two seconds may be touched
		t.Errorf("%d lines", got)
	}
}
