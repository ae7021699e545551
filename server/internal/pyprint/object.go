package pyprint

import (
	"bytes"
	"slices"
	"strconv"
)

// object reads an object and appends it as a dict, or as bytes when it stands
// for an attachment.
func (p *printer) object() bool {
	start, base, doubled := len(p.dst), len(p.members), len(p.doubled)
	p.pos++
	p.dst = append(p.dst, '{')
	p.space()
	if p.take('}') {
		p.dst = append(p.dst, '}')
		return true
	}
	if p.members == nil {
		p.members = make([]member, 0, 16) // enough for most, in one allocation
	}
	for {
		if !p.member() {
			return false
		}
		if p.take('}') {
			break
		}
		if !p.take(',') {
			return false
		}
		p.dst = append(p.dst, ", "...)
	}
	p.dst = append(p.dst, '}')
	members := p.members[base:]
	p.members = p.members[:base]
	if a, ok := p.attachment(members); ok {
		p.budget -= len(a)
		p.dst = appendBytes(p.dst[:start], a)
		p.doubled = p.doubled[:doubled]
		return true
	}
	p.findDoubled(start, members)
	return true
}

// member reads one key and its value, with the white space around them.
func (p *printer) member() bool {
	p.space()
	m := member{key: len(p.dst)}
	if !p.at('"') || !p.str(true) {
		return false
	}
	m.keyEnd = len(p.dst)
	p.space()
	if !p.take(':') {
		return false
	}
	p.dst = append(p.dst, ": "...)
	m.value = len(p.dst)
	p.space()
	if !p.value() {
		return false
	}
	m.end = len(p.dst)
	p.members = append(p.members, m)
	p.space()
	return true
}

// attachment returns what an object with these members stands for. As in
// python-socketio, any true value marks a placeholder, other members do not
// matter, and an index may be a bool or count from the end.
func (p *printer) attachment(members []member) ([]byte, bool) {
	if p.attachments == nil {
		return nil, false
	}
	var marked, num []byte
	for _, m := range members {
		switch string(p.dst[m.key:m.keyEnd]) {
		case "'_placeholder'":
			marked = p.dst[m.value:m.end]
		case "'num'":
			num = p.dst[m.value:m.end]
		}
	}
	switch string(marked) {
	case "", "False", "None", "0", "0.0", "-0.0", "''", "[]", "{}":
		return nil, false
	}
	n, err := strconv.Atoi(string(num))
	switch {
	case string(num) == "False":
		n = 0
	case string(num) == "True":
		n = 1
	case err != nil:
		return nil, false
	case n < 0:
		n += len(p.attachments)
	}
	if n < 0 || n >= len(p.attachments) || len(p.attachments[n]) > p.budget {
		return nil, false
	}
	return p.attachments[n], true
}

// appendBytes appends the repr of a bytes object.
func appendBytes(dst, b []byte) []byte {
	quote := byte('\'')
	if bytes.IndexByte(b, '\'') >= 0 && bytes.IndexByte(b, '"') < 0 {
		quote = '"'
	}
	dst = slices.Grow(dst, len(b)+len(`b''`))
	dst = append(dst, 'b', quote)
	for len(b) > 0 {
		n := plain(b)
		dst = append(dst, b[:n]...)
		b = b[n:]
		if n == 0 {
			switch c := b[0]; {
			case c == quote:
				dst = append(dst, '\\', c)
			case c == '\'' || c == '"':
				dst = append(dst, c)
			default:
				dst = appendEscaped(dst, rune(c))
			}
			b = b[1:]
		}
	}
	return append(dst, quote)
}
