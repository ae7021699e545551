// Package offset owns the ids of what Redis keeps in a stream, which are what clients are told as
// the offset of an event where all servers of a cluster share one order.
package offset

import (
	"cmp"
	"math"
	"strconv"
	"strings"
)

// ID names an entry: the milliseconds of its time, and its number among those of the same time. IDs
// grow along the stream. The zero ID comes before every entry.
type ID struct{ Ms, Seq uint64 }

// Parse reads an id as Redis writes it, such as 1795672144863-0.
func Parse(text string) (ID, bool) {
	ms, seq, found := strings.Cut(text, "-")
	if !found {
		return ID{}, false
	}
	var id ID
	var err, err2 error
	id.Ms, err = strconv.ParseUint(ms, 10, 64)
	id.Seq, err2 = strconv.ParseUint(seq, 10, 64)
	return id, err == nil && err2 == nil
}

func (id ID) String() string {
	return strconv.FormatUint(id.Ms, 10) + "-" + strconv.FormatUint(id.Seq, 10)
}

// IsZero reports whether it names no entry.
func (id ID) IsZero() bool { return id == ID{} }

// Compare is negative if id comes before other, and 0 if they are the same.
func (id ID) Compare(other ID) int {
	return cmp.Or(cmp.Compare(id.Ms, other.Ms), cmp.Compare(id.Seq, other.Seq))
}

// Before is the id that comes at once before; none comes before the zero one.
func (id ID) Before() ID {
	switch {
	case id.Seq > 0:
		id.Seq--
	case id.Ms > 0:
		id.Ms, id.Seq = id.Ms-1, math.MaxUint64
	}
	return id
}

// Next is the id that follows at once.
func (id ID) Next() ID {
	if id.Seq++; id.Seq == 0 {
		id.Ms++
	}
	return id
}
