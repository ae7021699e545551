package pickle

import (
	"fmt"
	"math"
	"math/bits"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
)

// machine carries out the opcodes of one pickle.
type machine struct {
	input
	limits jsonval.Limits

	stack []Object
	marks []int // positions in stack
	// memo is indexed by what the pickle counts from 0; memoized says how many are set.
	memo     []Object
	memoized int
	made     int   // what was pushed and stored so far: values, marks, memo entries
	boxes    []box // room for the next ones
}

func malformed(reason string) *packet.Error { return &packet.Error{Reason: errorPrefix + reason} }

// run carries out opcodes up to STOP, which has to be the last byte.
func (m *machine) run() (Object, error) {
	for {
		op := m.byte()
		if m.err == nil && op == opStop {
			m.checkEnd()
		} else if m.err == nil {
			m.step(op)
		}
		switch {
		case m.err != nil:
			return Object{}, m.err
		case op == opStop:
			return m.stack[0], nil
		}
	}
}

// checkEnd is what has to be so after STOP.
func (m *machine) checkEnd() {
	switch {
	case len(m.stack) != 1 || len(m.marks) != 0:
		m.fail("STOP with other than one value on the stack")
	case m.rest() != 0:
		m.fail("bytes after STOP")
	}
}

// step carries out one opcode.
func (m *machine) step(op byte) {
	switch op {
	case opProto:
		if m.byte() > highestProtocol {
			m.fail("unknown protocol")
		}
	case opFrame:
		if m.number(8) > uint64(m.rest()) {
			m.fail("FRAME longer than the pickle")
		}
	case opMark:
		m.marks = append(m.marks, len(m.stack))
		m.count(1)
	case opPop, opPopMark, opDup:
		m.pop(op)
	case opPut, opBinPut, opLongBinPut, opMemoize, opGet, opBinGet, opLongBinGet:
		m.memory(op)
	case opAppend, opAppends, opSetItem, opSetItems:
		m.fill(op)
	case opList, opTuple, opDict, opTuple1, opTuple2, opTuple3:
		m.collect(op)
	default:
		m.push(m.value(op))
	}
}

// value reads an opcode that stands for a new value.
func (m *machine) value(op byte) Object {
	switch op {
	case opNone:
		return Object{kind: None}
	case opNewTrue:
		return Object{kind: Bool, num: 1}
	case opNewFalse:
		return Object{kind: Bool}
	case opEmptyList:
		return m.container(List, nil)
	case opEmptyTuple:
		return m.container(Tuple, nil)
	case opEmptyDict:
		return m.container(Dict, nil)
	case opBinInt:
		return integer(int64(int32(m.length(op))))
	case opBinInt1, opBinInt2:
		return integer(int64(m.length(op)))
	case opBinFloat:
		return Object{kind: Float, num: bits.ReverseBytes64(m.number(8))} // the highest byte comes first
	case opInt, opLong:
		return m.decimal(op)
	case opLong1, opLong4:
		return m.long(op)
	case opFloat:
		return m.float()
	case opUnicode:
		return m.escapedText()
	case opBinUnicode, opShortBinUni, opBinUnicode8:
		return m.text(op)
	case opBinBytes, opShortBinBytes, opBinBytes8, opByteArray8:
		return m.boxed(Bytes, m.counted(op))
	}
	if name, why := refused(op); name != "" {
		m.fail("opcode " + name + " is refused: " + why)
	} else {
		m.fail(fmt.Sprintf("unknown opcode 0x%02X", op))
	}
	return Object{}
}

func integer(n int64) Object { return Object{kind: Int, num: uint64(n)} }

// push puts a value on the stack.
func (m *machine) push(o Object) {
	m.stack = append(m.stack, o)
	m.count(1)
}

// count bounds what a pickle makes the machine keep.
func (m *machine) count(n int) {
	if max := m.limits.Values(); m.made > max-n {
		m.refuse(&packet.Error{Limit: jsonval.LimitValues, Max: max})
		return
	}
	m.made += n
}

// base is where the part of the stack begins that belongs to an opcode: what lies above the last
// mark.
func (m *machine) base() int {
	if n := len(m.marks); n > 0 {
		return m.marks[n-1]
	}
	return 0
}

// top returns the last n values, without taking them, and nil after an error.
func (m *machine) top(n int) []Object {
	if len(m.stack)-m.base() < n {
		m.fail("an opcode finds too little on the stack")
	}
	if m.err != nil {
		return nil
	}
	return m.stack[len(m.stack)-n:]
}

// drop takes the last n values off the stack.
func (m *machine) drop(n int) { m.stack = m.stack[:len(m.stack)-n] }

// toMark returns what lies above the last mark, and takes the mark.
func (m *machine) toMark() []Object {
	n := len(m.marks)
	if n == 0 {
		m.fail("an opcode finds no MARK")
		return nil
	}
	items := m.stack[m.marks[n-1]:]
	m.marks = m.marks[:n-1]
	return items
}

// pop carries out POP, which takes a mark where that is the last thing, POP_MARK and DUP.
func (m *machine) pop(op byte) {
	if op == opPopMark || op == opPop && len(m.marks) > 0 && len(m.stack) == m.base() {
		m.drop(len(m.toMark()))
		return
	}
	last := m.top(1)
	switch {
	case last == nil:
	case op == opDup:
		m.push(last[0])
	default:
		m.drop(1)
	}
}

// memory carries out the opcodes that store the last value and fetch it again.
func (m *machine) memory(op byte) {
	switch op {
	case opMemoize:
		m.store(uint64(m.memoized))
	case opPut, opBinPut, opLongBinPut:
		m.store(m.length(op))
	default:
		i := m.length(op)
		if i >= uint64(len(m.memo)) || m.memo[i].kind == invalid {
			m.fail("the memo is asked for what it does not hold")
			return
		}
		m.push(m.memo[i])
	}
}

func (m *machine) store(i uint64) {
	// Whoever writes pickles counts the entries from 0, so one far beyond the last costs what those
	// between them would. i has 32 bits at most.
	missing := int64(i) - int64(len(m.memo)) + 1
	m.count(int(min(max(missing, 0), math.MaxInt32)))
	last := m.top(1)
	if last == nil {
		return
	}
	if missing > 0 {
		m.memo = append(m.memo, make([]Object, missing)...)
	}
	if m.memo[i].kind == invalid {
		m.memoized++
	}
	m.memo[i] = last[0]
}

// fill carries out the opcodes that put values into a list or dictionary.
func (m *machine) fill(op byte) {
	var items []Object
	switch op {
	case opAppend:
		items = m.top(1)
	case opSetItem:
		items = m.top(2)
	case opAppends, opSetItems:
		items = m.toMark()
	}
	kind := List
	if op == opSetItem || op == opSetItems {
		kind = Dict
		m.checkPairs(items)
	}
	m.drop(len(items))
	target := m.top(1)
	switch {
	case target == nil:
	case target[0].kind != kind:
		m.fail("values are put into something of the wrong type")
	default:
		b := target[0].box
		b.items = append(b.items, items...)
	}
}

func (m *machine) checkPairs(items []Object) {
	if len(items)%2 != 0 {
		m.fail("a dictionary key without a value")
	}
}

// collect carries out the opcodes that make a container of what is on the stack.
func (m *machine) collect(op byte) {
	var items []Object
	kind := Tuple
	switch op {
	case opTuple1, opTuple2, opTuple3:
		items = m.top(int(op-opTuple1) + 1)
	case opTuple:
		items = m.toMark()
	case opList:
		kind, items = List, m.toMark()
	case opDict:
		kind, items = Dict, m.toMark()
		m.checkPairs(items)
	}
	m.drop(len(items))
	m.push(m.container(kind, items))
}

func (m *machine) container(kind Kind, items []Object) Object {
	o := m.boxed(kind, nil)
	o.box.items = append(o.box.items, items...)
	return o
}

// boxed makes an Object with a box, of which several are made at a time.
func (m *machine) boxed(kind Kind, text []byte) Object {
	if len(m.boxes) == 0 {
		// 8, 16, ... 512: a few for a small pickle, few allocations for a large.
		m.boxes = make([]box, 8<<min(bits.Len(uint(m.made)>>4), 6))
	}
	b := &m.boxes[0]
	m.boxes = m.boxes[1:]
	b.text = text
	return Object{kind: kind, box: b}
}
