// Package advice owns what the log tells those who run a server to do: for each cause for which
// something was not accepted, the setting that would change it, and a hint.
//
// The packages that refuse name causes, and bounds by their own words; they know no settings. A
// [Handler] beneath the log's rules adds the rest. OPERATIONS.md explains the same causes; a test
// compares the two.
package advice

import (
	"context"
	"log/slog"
	"strings"

	"hipflask/server/internal/config"
)

// The attributes by which a line asks for advice. The cause stays in it.
const (
	causeKey = "cause"
	boundKey = "bound" // which bound of the cause it is, where that has several
	limitKey = "limit" // behind which the setting is put
)

// Namer returns how a setting is written for those who read the log, with a value if that is not
// empty; empty if they have no such setting.
type Namer func(setting, value string) string

// Flag names a setting as the command line does.
func Flag(setting, value string) string {
	if value != "" {
		setting += "=" + value
	}
	return "--" + setting
}

// Handler adds advice to the lines that name a cause, and passes all on.
type Handler struct {
	next slog.Handler
	all  *advisor
}

// advisor is what a Handler and its copies have in common.
type advisor struct {
	cfg  *config.Config
	name Namer
	rows map[key]row
}

// New makes a Handler in front of next. cfg is what the server runs with.
func New(next slog.Handler, cfg *config.Config, name Namer) *Handler {
	return &Handler{next, &advisor{cfg, name, table()}}
}

// Enabled reports whether next takes lines of this level.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// WithAttrs returns a copy whose lines have these attributes as well.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Handler{h.next.WithAttrs(attrs), h.all}
}

// WithGroup returns a copy whose attributes go into a group.
func (h *Handler) WithGroup(name string) slog.Handler {
	return &Handler{h.next.WithGroup(name), h.all}
}

// Handle passes the line on, with advice if there is some.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	if asks(&r) {
		return h.advise(ctx, r)
	}
	return h.next.Handle(ctx, r)
}

// asks reports whether a line asks for advice. It is not inlined, for the sake of the stack, as in
// package sparse.
//
//go:noinline
func asks(r *slog.Record) (does bool) {
	r.Attrs(func(a slog.Attr) bool {
		does = a.Key == causeKey || a.Key == boundKey
		return !does
	})
	return does
}

// advise passes on a line that asks for advice.
func (h *Handler) advise(ctx context.Context, r slog.Record) error {
	l := line{Config: h.all.cfg, name: h.all.name}
	r.Attrs(func(a slog.Attr) bool {
		l.attrs = append(l.attrs, a)
		return true
	})
	advice, ok := h.all.row(key{l.value(causeKey), l.value(boundKey)})
	if !ok {
		return h.next.Handle(ctx, r)
	}
	said := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	setting, placed := l.settings(advice.settings), false
	for _, a := range l.attrs {
		if a.Key == boundKey {
			continue
		}
		said.AddAttrs(a)
		if a.Key == limitKey {
			said.AddAttrs(setting...)
			placed = true
		}
	}
	if !placed {
		said.AddAttrs(setting...)
	}
	if hint := l.hint(advice); hint != "" {
		said.AddAttrs(slog.String("hint", hint))
	}
	return h.next.Handle(ctx, said)
}

// row finds what there is to say of a bound, or else of its cause.
func (a *advisor) row(k key) (row, bool) {
	if r, ok := a.rows[k]; ok {
		return r, true
	}
	r, ok := a.rows[key{cause: k.cause}]
	return r, ok
}

// line is one that is to be advised on.
type line struct {
	*config.Config
	name  Namer
	attrs []slog.Attr
}

// value is an attribute's, empty if there is none.
func (l *line) value(name string) string {
	for _, a := range l.attrs {
		if a.Key == name {
			return a.Value.Resolve().String()
		}
	}
	return ""
}

// settings is the attribute that names the settings to change, if they have names.
func (l *line) settings(list []string) []slog.Attr {
	var names []string
	for _, setting := range list {
		if name := l.name(setting, ""); name != "" {
			names = append(names, name)
		}
	}
	switch len(names) {
	case 0:
		return nil
	case 1:
		return []slog.Attr{slog.String("setting", names[0])}
	}
	return []slog.Attr{slog.String("settings", strings.Join(names, ", "))}
}

// hint writes a row's hint. Settings stand in it in braces; one that names a setting that those who
// read the log do not have says nothing to them.
func (l *line) hint(r row) string {
	text := r.hint
	if r.advise != nil {
		text = r.advise(l)
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		inside, after, _ := strings.Cut(rest, "}")
		setting, value, _ := strings.Cut(inside, "=")
		name := l.name(setting, value)
		if name == "" {
			return ""
		}
		b.WriteString(name)
		text = after
	}
}
