package config

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Error is a setting that cannot be used.
type Error struct {
	Source  string // the flag or the environment variable at fault; empty where the argument is neither
	Value   string // as it was given; empty where the fault is not the value
	Problem string // what is wrong or what would be right
}

// Error gives one line that names the source and the value, such as: --port "70000": must be a
// whole number from 0 to 65535.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Source != "" {
		b.WriteString(e.Source)
		if e.Value != "" {
			b.WriteString(" " + quote(e.Value))
		}
		b.WriteString(": ")
	}
	b.WriteString(e.Problem)
	return strings.Map(oneLine, b.String())
}

// oneLine keeps what the operating system or a library said from breaking the line.
func oneLine(r rune) rune {
	if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
		return ' '
	}
	return r
}

// quote shows a value somebody wrote, shortened: it may be anything.
func quote(s string) string {
	const most = 80 // bytes
	if len(s) <= most {
		return fmt.Sprintf("%q", s)
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return fmt.Sprintf("%q...", s[:cut])
}
