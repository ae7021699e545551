package pickle

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"hipflask/server/internal/packet/jsonval"
)

// machine carries out the opcodes of one pickle.
type machine struct {
	input
	limits jsonval.Limits

	stack []Object
	marks []int // positions in stack
	// memo is indexed by what the pickle counts from 0; memoized says how many
	// are set.
	memo     []Object
	memoized int
	made     int   // what was pushed and stored so far: values, marks, memo entries
	boxes    []box // room for the next ones
}

func malformed(reason string) *jsonval.Error { return &jsonval.Error{Reason: errorPrefix + reason} }

// run carries out opcodes up to STOP, which has to be the last byte.
func (m *machine) run() (Object, *jsonval.Error) {
	for {
		op, err := m.byte()
		if err != nil {
			return Object{}, err
		}
		if op == opStop {
			return m.result()
		}
		if err := m.step(op); err != nil {
			return Object{}, err
		}
	}
}

func (m *machine) result() (Object, *jsonval.Error) {
	switch {
	case len(m.stack) != 1 || len(m.marks) != 0:
		return Object{}, malformed("STOP with other than one value on the stack")
	case m.rest() != 0:
		return Object{}, malformed("bytes after STOP")
	}
	return m.stack[0], nil
}

// step carries out one opcode.
func (m *machine) step(op byte) *jsonval.Error {
	switch op {
	case opProto:
		v, err := m.byte()
		if err == nil && v > highestProtocol {
			err = malformed("unknown protocol")
		}
		return err
	case opFrame:
		n, err := m.uint64()
		if err == nil && n > uint64(m.rest()) {
			err = malformed("FRAME longer than the pickle")
		}
		return err
	case opMark:
		m.marks = append(m.marks, len(m.stack))
		return m.count(1)
	case opPop, opPopMark, opDup:
		return m.pop(op)
	case opPut, opBinPut, opLongBinPut, opMemoize, opGet, opBinGet, opLongBinGet:
		return m.memory(op)
	case opAppend, opAppends, opSetItem, opSetItems:
		return m.fill(op)
	case opList, opTuple, opDict, opTuple1, opTuple2, opTuple3:
		return m.collect(op)
	}
	o, err := m.value(op)
	if err != nil {
		return err
	}
	return m.push(o)
}

// value reads an opcode that stands for a new value.
func (m *machine) value(op byte) (Object, *jsonval.Error) {
	switch op {
	case opNone:
		return Object{kind: None}, nil
	case opNewTrue:
		return Object{kind: Bool, num: 1}, nil
	case opNewFalse:
		return Object{kind: Bool}, nil
	case opEmptyList:
		return m.container(List, nil), nil
	case opEmptyTuple:
		return m.container(Tuple, nil), nil
	case opEmptyDict:
		return m.container(Dict, nil), nil
	case opBinInt, opBinInt1, opBinInt2:
		n, err := m.length(op)
		if op == opBinInt {
			return integer(int64(int32(n))), err
		}
		return integer(int64(n)), err
	case opBinFloat:
		b, err := m.take(8)
		if err != nil {
			return Object{}, err
		}
		return Object{kind: Float, num: binary.BigEndian.Uint64(b)}, nil
	case opInt, opLong:
		return m.decimal(op)
	case opLong1, opLong4:
		return m.long(op)
	case opFloat:
		f, err := m.floatLine()
		return Object{kind: Float, num: math.Float64bits(f)}, err
	case opUnicode, opBinUnicode, opShortBinUni, opBinUnicode8:
		return m.text(op)
	case opBinBytes, opShortBinBytes, opBinBytes8, opByteArray8:
		return m.bytes(op)
	}
	if name, why := refused(op); name != "" {
		return Object{}, malformed("opcode " + name + " is refused: " + why)
	}
	return Object{}, malformed(fmt.Sprintf("unknown opcode 0x%02X", op))
}

func integer(n int64) Object { return Object{kind: Int, num: uint64(n)} }

// push puts a value on the stack.
func (m *machine) push(o Object) *jsonval.Error {
	m.stack = append(m.stack, o)
	return m.count(1)
}

// count bounds what a pickle makes the machine keep.
func (m *machine) count(n int) *jsonval.Error {
	if max := m.limits.Values(); m.made > max-n {
		return &jsonval.Error{Limit: jsonval.LimitValues, Max: max}
	}
	m.made += n
	return nil
}

// base is where the part of the stack begins that belongs to an opcode: what
// lies above the last mark.
func (m *machine) base() int {
	if n := len(m.marks); n > 0 {
		return m.marks[n-1]
	}
	return 0
}

// top returns the last n values, without taking them.
func (m *machine) top(n int) ([]Object, *jsonval.Error) {
	if len(m.stack)-m.base() < n {
		return nil, malformed("an opcode finds too little on the stack")
	}
	return m.stack[len(m.stack)-n:], nil
}

// drop takes the last n values off the stack.
func (m *machine) drop(n int) { m.stack = m.stack[:len(m.stack)-n] }

// toMark returns what lies above the last mark, and takes the mark.
func (m *machine) toMark() ([]Object, *jsonval.Error) {
	n := len(m.marks)
	if n == 0 {
		return nil, malformed("an opcode finds no MARK")
	}
	items := m.stack[m.marks[n-1]:]
	m.marks = m.marks[:n-1]
	return items, nil
}

// pop carries out POP, which takes a mark where that is the last thing,
// POP_MARK and DUP.
func (m *machine) pop(op byte) *jsonval.Error {
	if op == opPopMark || op == opPop && len(m.marks) > 0 && len(m.stack) == m.base() {
		items, err := m.toMark()
		m.drop(len(items))
		return err
	}
	last, err := m.top(1)
	if err != nil {
		return err
	}
	if op == opDup {
		return m.push(last[0])
	}
	m.drop(1)
	return nil
}

// memory carries out the opcodes that store the last value and fetch it again.
func (m *machine) memory(op byte) *jsonval.Error {
	if op == opMemoize {
		return m.store(uint64(m.memoized))
	}
	i, err := m.length(op)
	if err != nil {
		return err
	}
	switch op {
	case opPut, opBinPut, opLongBinPut:
		return m.store(i)
	}
	if i >= uint64(len(m.memo)) || m.memo[i].kind == invalid {
		return malformed("the memo is asked for what it does not hold")
	}
	return m.push(m.memo[i])
}

func (m *machine) store(i uint64) *jsonval.Error {
	last, err := m.top(1)
	if err != nil {
		return err
	}
	// Whoever writes pickles counts the entries from 0, so one far beyond the last
	// costs what those between them would. i has 32 bits at most.
	if missing := int64(i) - int64(len(m.memo)) + 1; missing > 0 {
		if err := m.count(int(min(missing, math.MaxInt32))); err != nil {
			return err
		}
		m.memo = append(m.memo, make([]Object, missing)...)
	}
	if m.memo[i].kind == invalid {
		m.memoized++
	}
	m.memo[i] = last[0]
	return nil
}

// fill carries out the opcodes that put values into a list or dictionary.
func (m *machine) fill(op byte) (err *jsonval.Error) {
	var items []Object
	kind := List
	switch op {
	case opAppend:
		items, err = m.top(1)
	case opAppends:
		items, err = m.toMark()
	case opSetItem:
		kind = Dict
		items, err = m.top(2)
	case opSetItems:
		kind = Dict
		items, err = m.toMark()
	}
	if err != nil {
		return err
	}
	m.drop(len(items))
	target, err := m.top(1)
	switch {
	case err != nil:
		return err
	case target[0].kind != kind:
		return malformed("values are put into something of the wrong type")
	case kind == Dict && len(items)%2 != 0:
		return malformed("a dictionary key without a value")
	}
	b := target[0].box
	b.items = append(b.items, items...)
	return nil
}

// collect carries out the opcodes that make a container of what is on the stack.
func (m *machine) collect(op byte) (err *jsonval.Error) {
	var items []Object
	kind := Tuple
	switch op {
	case opTuple1, opTuple2, opTuple3:
		items, err = m.top(int(op-opTuple1) + 1)
	case opList:
		kind = List
		items, err = m.toMark()
	case opDict:
		kind = Dict
		items, err = m.toMark()
	default:
		items, err = m.toMark()
	}
	if err != nil {
		return err
	}
	if kind == Dict && len(items)%2 != 0 {
		return malformed("a dictionary key without a value")
	}
	m.drop(len(items))
	return m.push(m.container(kind, items))
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
