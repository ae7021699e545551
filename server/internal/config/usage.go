package config

import "strings"

// usageColumns is the longest line of the help text, in bytes; all of it is ASCII.
const usageColumns = 100

// Usage is what --help prints: every setting under its heading, no line longer than 100 columns.
func Usage() string {
	var b strings.Builder
	b.WriteString("Usage: hipflask [flags]\n\n")
	wrap(&b, "", "Each flag can also be given as the environment variable beside it; the flag wins, "+
		"and an empty variable counts as not set. "+
		"A DURATION is 25s, 1m30s or 500ms, or a plain number of seconds. "+
		"A SIZE is a number of bytes, or a number with KB, MB, KiB or MiB. "+
		"A flag without a kind of value is a switch: --name=false turns it off.")
	heading := ""
	for _, s := range Settings() {
		if s.Group != heading {
			heading = s.Group
			b.WriteString("\n" + heading + ":\n")
		}
		b.WriteString("  --" + s.Name)
		if s.Value != "" {
			b.WriteString(" " + s.Value)
		}
		if s.Env != "" {
			b.WriteString(", " + s.Env)
		}
		if s.Default != "" {
			b.WriteString(" (default " + s.Default + ")")
		}
		b.WriteByte('\n')
		wrap(&b, "      ", s.Meaning)
	}
	return b.String()
}

// wrap writes text as indented lines that end between words.
func wrap(b *strings.Builder, indent, text string) {
	column := 0
	for word := range strings.FieldsSeq(text) {
		switch {
		case column == 0:
			b.WriteString(indent)
			column = len(indent)
		case column+1+len(word) > usageColumns:
			b.WriteString("\n" + indent)
			column = len(indent)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	b.WriteByte('\n')
}
