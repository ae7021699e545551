// Package sparse keeps the log small, whatever clients, Redis or a failing socket do. It owns three
// rules, which hold for every line of the program:
//
//   - of one cause at most five lines a second are logged; the next one says how many
//     were not (not_logged_before). The cause is the line's message, or what [As] names;
//   - every value is cut in length, and the cut is marked;
//   - a session id in a query string (sid=...) is not shown: it is a secret.
//
// Lines that are news of one connection each, its opening and its end, are written in full number,
// see [Each]: the bounds on connections bound them.
package sparse

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// perSecond is how many lines of one cause are logged within a second.
	perSecond = 5
	// maxCauses bounds what is remembered. Those beyond it share their lines.
	maxCauses = 1024
	// otherCause is their name.
	otherCause = "other causes"
	// leftOut is the attribute with the number of lines that were not logged.
	leftOut = "not_logged_before"
)

// Handler passes on what the rules let through. Its copies with attributes or groups share its
// counts.
type Handler struct {
	next slog.Handler
	base slog.Handler // next, without the attributes of a copy
	all  *shares
}

// New makes a Handler in front of next. now tells the time.
func New(next slog.Handler, now func() time.Time) *Handler {
	return &Handler{next: next, base: next, all: &shares{now: now, causes: make(map[string]*share)}}
}

// Logger is log under the rules; one that is already is returned as it is. So each package sees to
// it for its own lines, and all of a program share one count.
func Logger(log *slog.Logger) *slog.Logger {
	if _, is := log.Handler().(*Handler); is {
		return log
	}
	return slog.New(New(log.Handler(), time.Now))
}

// rule is what a line's context says of it.
type rule struct {
	cause string
	each  bool
}

type ruleKey struct{}

// As makes a line count as one of cause, of which there must be few: never what a client can
// choose.
func As(ctx context.Context, cause string) context.Context {
	return context.WithValue(ctx, ruleKey{}, rule{cause: cause})
}

// Each makes a line be logged however many there are. It is for what happens once or twice in the
// life of a connection.
func Each(ctx context.Context) context.Context {
	return context.WithValue(ctx, ruleKey{}, rule{each: true})
}

// Enabled reports whether next takes lines of this level.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle logs the line, or counts it. What is not logged is not formatted either.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	is, _ := ctx.Value(ruleKey{}).(rule)
	before := 0
	if !is.each {
		if is.cause == "" {
			is.cause = r.Message
		}
		var ok bool
		if before, ok = h.all.take(is.cause, r.Level); !ok {
			return nil
		}
	}
	if before == 0 && isShort(&r) {
		return h.next.Handle(ctx, r)
	}
	return h.handleShortened(ctx, r, before)
}

// handleShortened logs a line with all that is in it cut, and how many before it were not logged.
func (h *Handler) handleShortened(ctx context.Context, r slog.Record, before int) error {
	short := slog.NewRecord(r.Time, r.Level, shorten(r.Message, maxValue), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		short.AddAttrs(cut(a))
		return true
	})
	if before > 0 {
		short.AddAttrs(slog.Int(leftOut, before))
	}
	return h.next.Handle(ctx, short)
}

// WithAttrs returns a copy whose lines have these attributes, cut, as well.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	short := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		short[i] = cut(a)
	}
	return &Handler{next: h.next.WithAttrs(short), base: h.base, all: h.all}
}

// WithGroup returns a copy whose attributes go into a group.
func (h *Handler) WithGroup(name string) slog.Handler {
	return &Handler{next: h.next.WithGroup(name), base: h.base, all: h.all}
}

// Flush logs how many lines were left out since the last one of each cause, which no line has said
// so far. It is for the end of a program.
func (h *Handler) Flush() {
	for _, cause := range h.all.drain() {
		if ctx := context.Background(); h.base.Enabled(ctx, cause.level) {
			r := slog.NewRecord(h.all.now(), cause.level, "log lines left out", 0)
			r.AddAttrs(slog.String("cause", shorten(cause.name, maxValue)), slog.Int(leftOut, cause.skipped))
			_ = h.base.Handle(ctx, r) // a log that fails has nowhere to say so
		}
	}
}

// shares is what each cause has had of the log.
type shares struct {
	now func() time.Time

	mu     sync.Mutex
	causes map[string]*share
	swept  time.Time // when those that are over were forgotten last
}

// share is one cause's.
type share struct {
	name    string
	since   time.Time // the second that logged counts in
	logged  int
	skipped int
	level   slog.Level // of the last one that was skipped
}

// take reports whether a line may be logged, and how many before it were not.
func (s *shares) take(cause string, level slog.Level) (before int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	c := s.shareLocked(cause, now)
	if now.Sub(c.since) >= time.Second {
		before = c.skipped
		c.since, c.logged, c.skipped = now, 0, 0
	}
	if c.logged >= perSecond {
		c.skipped++
		c.level = level
		return 0, false
	}
	c.logged++
	return before, true
}

// shareLocked finds a cause's share or makes one. The mutex is held.
func (s *shares) shareLocked(cause string, now time.Time) *share {
	if c := s.causes[cause]; c != nil {
		return c
	}
	if len(s.causes) >= maxCauses && now.Sub(s.swept) >= time.Second {
		s.swept = now
		for name, c := range s.causes {
			if c.skipped == 0 && now.Sub(c.since) >= time.Second {
				delete(s.causes, name)
			}
		}
	}
	if len(s.causes) >= maxCauses {
		cause = otherCause
		if c := s.causes[cause]; c != nil {
			return c
		}
	}
	c := &share{name: cause}
	s.causes[cause] = c
	return c
}

// drain takes what was left out, by cause.
func (s *shares) drain() []share {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []share
	for _, c := range s.causes {
		if c.skipped > 0 {
			list = append(list, *c)
			c.skipped = 0
		}
	}
	slices.SortFunc(list, func(a, b share) int { return strings.Compare(a.name, b.name) })
	return list
}
