package pyprint

import (
	"bytes"
	"cmp"
	"slices"
)

// Of a key that occurs more than once in an object the first place and the last value count. To
// move values where they belong object by object would copy what is nested as often as it is deep;
// so the objects are noted, and all is copied once, at the end.

// member says where dst holds one key and its value.
type member struct {
	key, keyEnd, value, end int
}

// dict is an object with such keys: where dst holds it, and the members it has left, in order.
type dict struct {
	start, end int
	members    []member
}

// findDoubled reports whether a key occurs more than once in the object at printed[start:], and
// what is left of it then. Equal keys are found by sorting, so a hostile object costs no more than
// n log n. It puts the members in another order.
func findDoubled(printed []byte, start int, members []member) (dict, bool) {
	key := func(m member) []byte { return printed[m.key:m.keyEnd] }
	if len(members) <= few && distinct(members, key) {
		return dict{}, false
	}
	slices.SortFunc(members, func(a, b member) int {
		return cmp.Or(
			cmp.Compare(a.keyEnd-a.key, b.keyEnd-b.key),
			bytes.Compare(key(a), key(b)),
			cmp.Compare(a.key, b.key))
	})
	kept := members[:1]
	for _, m := range members[1:] {
		if last := &kept[len(kept)-1]; bytes.Equal(key(*last), key(m)) {
			last.value, last.end = m.value, m.end
		} else {
			kept = append(kept, m)
		}
	}
	if len(kept) == len(members) {
		return dict{}, false
	}
	slices.SortFunc(kept, func(a, b member) int { return cmp.Compare(a.key, b.key) })
	return dict{start, len(printed), slices.Clone(kept)}, true
}

// few is how many members are compared with each other sooner than sorted.
const few = 8

func distinct(members []member, key func(member) []byte) bool {
	for i, m := range members {
		for _, other := range members[:i] {
			if m.keyEnd-m.key == other.keyEnd-other.key && bytes.Equal(key(m), key(other)) {
				return false
			}
		}
	}
	return true
}

// merge returns what is printed with the values after base in the places that count.
func merge(printed []byte, base int, dicts []dict) []byte {
	if len(dicts) == 0 {
		return printed
	}
	slices.SortFunc(dicts, func(a, b dict) int { return cmp.Compare(a.start, b.start) })
	m := merger{from: printed, dicts: dicts, to: make([]byte, 0, len(printed)-base)}
	m.copy(base, len(printed))
	return append(printed[:base], m.to...)
}

// merger copies printed text, and merges the dicts in it.
type merger struct {
	from  []byte
	dicts []dict // by where they start
	to    []byte
}

// copy copies from[start:end].
func (m *merger) copy(start, end int) {
	for {
		i, _ := slices.BinarySearchFunc(m.dicts, start, func(d dict, start int) int { return cmp.Compare(d.start, start) })
		if i == len(m.dicts) || m.dicts[i].start >= end {
			m.to = append(m.to, m.from[start:end]...)
			return
		}
		d := m.dicts[i]
		m.to = append(m.to, m.from[start:d.start]...)
		m.dict(d)
		start = d.end
	}
}

func (m *merger) dict(d dict) {
	m.to = append(m.to, '{')
	for i, v := range d.members {
		if i > 0 {
			m.to = append(m.to, ", "...)
		}
		m.to = append(m.to, m.from[v.key:v.keyEnd]...)
		m.to = append(m.to, ": "...)
		m.copy(v.value, v.end)
	}
	m.to = append(m.to, '}')
}
