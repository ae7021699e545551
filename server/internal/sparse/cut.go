package sparse

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"log/slog"
	"strings"
	"unicode/utf8"
)

const (
	// maxValue is how many bytes of a value are logged.
	maxValue = 1000
	// maxStack is the same for a stack, which the runtime bounds to a hundred calls.
	maxStack = 16 << 10
	// maxPart is what a part of a value may have, see Cut.
	maxPart = 200
	// stackKey is the attribute that may be as long as a stack.
	stackKey = "stack"
)

// Cut shortens what a client chose to 200 bytes, for a place in a longer text.
func Cut(text string) string { return shorten(text, maxPart) }

// shorten cuts text after at most so many bytes, between two characters, and says how long it was.
func shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	end := most
	for end > most-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	if !utf8.RuneStart(text[end]) {
		end = most // it is no UTF-8
	}
	return fmt.Sprintf("%s... (%d bytes)", text[:end], len(text))
}

// isShort reports whether a line can be logged as it is, as most can.
//
// It is not inlined, as it would have its copy of the line on the stack while the line is written:
// when many connections end at once, each line is by a new goroutine, whose stack has to grow to
// what that takes.
//
//go:noinline
func isShort(r *slog.Record) bool {
	short := len(r.Message) <= maxValue
	r.Attrs(func(a slog.Attr) bool {
		switch a.Value.Kind() {
		case slog.KindString:
			text := a.Value.String()
			short = short && len(text) <= maxValue && !strings.Contains(text, sessionIn)
		case slog.KindAny, slog.KindGroup, slog.KindLogValuer:
			short = false
		}
		return short
	})
	return short
}

// cut shortens an attribute. What slog would format is formatted here.
func cut(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
		return slog.String(a.Key, value(a.Key, v.String()))
	case slog.KindGroup:
		group := v.Group()
		short := make([]slog.Attr, len(group))
		for i, member := range group {
			short[i] = cut(member)
		}
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(short...)}
	case slog.KindAny:
		if v.Any() == nil {
			return a
		}
		return slog.String(a.Key, value(a.Key, fmt.Sprintf("%+v", v.Any())))
	}
	return slog.Attr{Key: a.Key, Value: v}
}

func value(key, text string) string {
	most := maxValue
	if key == stackKey {
		most = maxStack
	}
	return hideSessions(shorten(text, most))
}

// sessionIn stands before a session id in a query string.
const sessionIn = "sid="

// hideSessions takes the session ids out of query strings.
func hideSessions(text string) string {
	const name = sessionIn
	if !strings.Contains(text, name) {
		return text
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, name)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteString(name)
		id := strings.IndexFunc(after, func(r rune) bool { return strings.ContainsRune("&# \t\r\n\"'`);,", r) })
		if id < 0 {
			id = len(after)
		}
		if id > 0 {
			b.WriteString("...")
		}
		text = after[id:]
	}
}

// ErrorLog is what net/http and the like write errors to: each is a line with this
// message, which is its cause, and the text as its error.
func ErrorLog(to *slog.Logger, level slog.Level, message string) *log.Logger {
	return log.New(errorLog{to, level, message}, "", 0)
}

type errorLog struct {
	to      *slog.Logger
	level   slog.Level
	message string
}

func (e errorLog) Write(text []byte) (int, error) {
	if ctx := context.Background(); e.to.Enabled(ctx, e.level) {
		e.to.Log(ctx, e.level, e.message, "error", string(bytes.TrimSpace(text)))
	}
	return len(text), nil
}
