// Package pyprint owns one piece of text: a JSON value shown as Python's print
// shows the object that python-socketio decodes from it.
//
// The model is CPython 3.11: json.loads, each binary placeholder replaced by
// its attachment, then str. A string by itself is printed as it is; inside a
// list or a dict every value is shown by its repr.
//
// Where Python would raise, and so lose the message, the text is printed:
//   - integers of any length keep all their digits (engineio refuses more than
//     100 of them, Python itself more than 4300);
//   - a lone surrogate in a string by itself, which UTF-8 cannot carry, is
//     written \udXXX, as Python's "backslashreplace" does and as repr shows it;
//   - a placeholder with no attachment is shown as the dict it is;
//   - text that is not strict JSON (RFC 8259) in UTF-8, or that nests deeper
//     than 1000 levels, is copied as it came.
//
// An attachment that many placeholders name is shown as often as Python would
// show it only up to a limit, so that a small message cannot ask for gigabytes.
package pyprint

// maxDepth is how many containers may be open at once; Python gives up near the
// same depth, at its recursion limit.
const maxDepth = 1000

// repeatBudget is how many bytes of attachments may be shown beyond the sum of
// their lengths. Encoders name each attachment once, so none of it is needed
// for what they send.
const repeatBudget = 64 << 10

// AppendValue appends to dst what Python 3.11's print shows for the strict JSON
// text json, and returns the extended slice. It adds no line break.
//
// When attachments is not nil, an object that python-socketio takes for a
// placeholder, {"_placeholder":true,"num":N}, is shown as the bytes of
// attachments[N]. When N is out of range it is shown as a dict, and so are the
// placeholders that repeat attachments by more than 64 KiB in all.
//
// The output is never longer than 5 bytes for each byte of json and 4 for each
// byte of an attachment shown, and a few for quotes. Neither json nor the
// attachments are changed or kept.
func AppendValue(dst, json []byte, attachments [][]byte) []byte {
	p := printer{dst: dst, src: json, attachments: attachments}
	if !p.print() {
		return append(p.dst[:len(dst)], json...)
	}
	return p.merge(len(dst))
}

// printer holds the state of one AppendValue. Its methods that return a bool
// return false when src is not JSON; what dst then holds is of no use.
type printer struct {
	dst         []byte
	src         []byte
	pos         int // the next byte of src to read
	depth       int // containers open
	attachments [][]byte
	budget      int      // bytes of attachments that may still be shown
	members     []member // of all objects that are open, the innermost last
	doubled     []dict   // those in which a key occurs more than once, inner before outer
}

// member says where dst holds one key and its value.
type member struct {
	key, keyEnd, value, end int
}

func (p *printer) print() bool {
	p.budget = repeatBudget
	for _, a := range p.attachments {
		p.budget += len(a)
	}
	p.space()
	if p.at('"') {
		if !p.str(false) {
			return false
		}
	} else if !p.value() {
		return false
	}
	p.space()
	return p.pos == len(p.src)
}

// value reads one JSON value and appends its repr.
func (p *printer) value() bool {
	if p.pos == len(p.src) {
		return false
	}
	switch p.src[p.pos] {
	case '"':
		return p.str(true)
	case '{':
		return p.nested(p.object)
	case '[':
		return p.nested(p.array)
	case 't':
		return p.literal("true", "True")
	case 'f':
		return p.literal("false", "False")
	case 'n':
		return p.literal("null", "None")
	default:
		return p.number()
	}
}

func (p *printer) nested(container func() bool) bool {
	if p.depth == maxDepth {
		return false
	}
	p.depth++
	ok := container()
	p.depth--
	return ok
}

func (p *printer) literal(json, python string) bool {
	end := p.pos + len(json)
	if end > len(p.src) || string(p.src[p.pos:end]) != json {
		return false
	}
	p.pos = end
	p.dst = append(p.dst, python...)
	return true
}

func (p *printer) array() bool {
	p.pos++
	p.dst = append(p.dst, '[')
	p.space()
	if p.take(']') {
		p.dst = append(p.dst, ']')
		return true
	}
	for {
		p.space()
		if !p.value() {
			return false
		}
		p.space()
		if p.take(']') {
			p.dst = append(p.dst, ']')
			return true
		}
		if !p.take(',') {
			return false
		}
		p.dst = append(p.dst, ", "...)
	}
}

// space skips JSON's white space.
func (p *printer) space() {
	for p.pos < len(p.src) {
		switch p.src[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// at reports whether c is the next byte.
func (p *printer) at(c byte) bool {
	return p.pos < len(p.src) && p.src[p.pos] == c
}

// take reads c if it is the next byte.
func (p *printer) take(c byte) bool {
	if !p.at(c) {
		return false
	}
	p.pos++
	return true
}
