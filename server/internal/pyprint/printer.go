package pyprint

import (
	"strconv"

	"hipflask/server/internal/packet"
)

// repeatBudget is how many bytes of attachments may be shown beyond the sum of their lengths.
// Encoders name each attachment once, so none of it is needed for what they send.
const repeatBudget = 64 << 10

// printer appends to dst what it is told of a value: it is a [packet.Walker].
type printer struct {
	dst         []byte
	attachments [][]byte
	budget      int // bytes of attachments that may still be shown
	open        []container
	members     []member // of all objects that are open, the innermost last
	doubled     []dict   // those in which a key occurs more than once, inner before outer

	roomOpen    [4]container // enough for most, in one allocation
	roomMembers [8]member
}

// container is an array or object that is not finished.
type container struct {
	start   int // in dst
	members int // before its own
	doubled int // before those in it
	n       int // elements so far
	object  bool
}

// print reads the value and reports whether it is JSON; otherwise what dst then holds is of no use.
func (p *printer) print(v packet.Value) bool {
	p.open, p.members = p.roomOpen[:0], p.roomMembers[:0]
	p.budget = repeatBudget
	for _, a := range p.attachments {
		p.budget += len(a)
	}
	return v.Read(p) == nil
}

// scalar prints the text of a string, number, bool or null.
func (p *printer) scalar(text []byte) {
	switch text[0] {
	case '"':
		p.Text(text[1 : len(text)-1])
	case 't', 'f':
		p.Bool(text[0] == 't')
	case 'n':
		p.Null()
	default:
		p.Number(text)
	}
}

// begin makes ready for a value.
func (p *printer) begin() {
	if len(p.open) == 0 {
		return
	}
	if c := p.top(); c.object {
		p.members[len(p.members)-1].value = len(p.dst)
	} else {
		p.comma(c)
	}
}

// end follows each value.
func (p *printer) end() {
	if len(p.open) > 0 && p.top().object {
		p.members[len(p.members)-1].end = len(p.dst)
	}
}

func (p *printer) top() *container { return &p.open[len(p.open)-1] }

func (p *printer) comma(c *container) {
	if c.n > 0 {
		p.dst = append(p.dst, ", "...)
	}
	c.n++
}

func (p *printer) word(python string) {
	p.begin()
	p.dst = append(p.dst, python...)
	p.end()
}

// Null prints None.
func (p *printer) Null() { p.word("None") }

// Bool prints True or False.
func (p *printer) Bool(v bool) {
	if v {
		p.word("True")
	} else {
		p.word("False")
	}
}

// Number prints an int or a float.
func (p *printer) Number(text []byte) {
	p.begin()
	p.dst = appendNumber(p.dst, text)
	p.end()
}

// Text prints a string by itself, or the repr of one.
func (p *printer) Text(text []byte) {
	if len(p.open) == 0 {
		p.dst = appendStr(p.dst, text)
		return
	}
	p.begin()
	p.dst = appendRepr(p.dst, text)
	p.end()
}

// Binary is never called: which objects are attachments is for Python's rules to say.
func (p *printer) Binary([]byte) {}

func (p *printer) enter(bracket byte, object bool) {
	p.begin()
	p.open = append(p.open, container{len(p.dst), len(p.members), len(p.doubled), 0, object})
	p.dst = append(p.dst, bracket)
}

func (p *printer) leave(bracket byte) container {
	c := *p.top()
	p.open = p.open[:len(p.open)-1]
	p.dst = append(p.dst, bracket)
	return c
}

// BeginArray opens a list.
func (p *printer) BeginArray() { p.enter('[', false) }

// EndArray closes it.
func (p *printer) EndArray(int) {
	p.leave(']')
	p.end()
}

// BeginObject opens a dict.
func (p *printer) BeginObject() { p.enter('{', true) }

// Key prints the key of the member that follows.
func (p *printer) Key(text []byte) {
	p.comma(p.top())
	m := member{key: len(p.dst)}
	p.dst = appendRepr(p.dst, text)
	m.keyEnd = len(p.dst)
	p.dst = append(p.dst, ": "...)
	p.members = append(p.members, m)
}

// EndObject closes the dict, or prints bytes in its place when it stands for an attachment.
func (p *printer) EndObject(n int) {
	c := p.leave('}')
	members := p.members[c.members:]
	p.members = p.members[:c.members]
	if a, ok := p.attachment(members); ok {
		p.budget -= len(a)
		p.dst = appendBytes(p.dst[:c.start], a)
		p.doubled = p.doubled[:c.doubled]
	} else if n > 1 {
		if d, ok := findDoubled(p.dst, c.start, members); ok {
			p.doubled = append(p.doubled, d)
		}
	}
	p.end()
}

// attachment returns what an object with these members stands for. As in python-socketio, any true
// value marks a placeholder, other members do not matter, and an index may be a bool or count from
// the end.
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
