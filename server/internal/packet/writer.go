package packet

import (
	"errors"
	"fmt"
	"strconv"
)

var (
	errDepth   = fmt.Errorf("packet: value nested deeper than %d, or cyclic", DepthCeiling)
	errRawJSON = errors.New("packet: invalid raw JSON")
)

// encoder appends values to dst, and gathers their attachments.
type encoder struct {
	dst         []byte
	attachments [][]byte
	depth       int
	// lookalike says that an object was written that clients of a binary packet would take for a
	// placeholder; binary, that such objects are to be written as null.
	lookalike, binary bool
}

// twice has write write everything. Whether attachments follow is known only at the end: in the
// rare packet that then turns out to have both attachments and lookalikes, everything is written
// once more. After an error dst is as it was.
func (e *encoder) twice(write func() error) error {
	start, depth := len(e.dst), e.depth
	err := write()
	if err == nil && e.lookalike && len(e.attachments) > 0 {
		e.dst, e.attachments, e.depth, e.binary = e.dst[:start], nil, depth, true
		err = write()
	}
	if err != nil {
		e.dst, e.attachments = e.dst[:start], nil
	}
	return err
}

func (e *encoder) null() { e.dst = append(e.dst, "null"...) }

func (e *encoder) text(s string) { e.dst = AppendText(e.dst, s) }

func (e *encoder) float(f float64, bits int) { e.dst = AppendFloat(e.dst, f, bits) }

// enter counts one array, object or pointer more.
func (e *encoder) enter() error {
	if e.depth == DepthCeiling {
		return errDepth
	}
	e.depth++
	return nil
}

// attach writes the placeholder of the packet's next attachment.
func (e *encoder) attach(data []byte) {
	if data == nil {
		e.null()
		return
	}
	e.dst = append(e.dst, `{"_placeholder":true,"num":`...)
	e.dst = strconv.AppendInt(e.dst, int64(len(e.attachments)), 10)
	e.dst = append(e.dst, '}')
	e.attachments = append(e.attachments, data)
}

// value writes a Value: one of a text packet, or whose numbers happen to be right, by copying it.
func (e *encoder) value(v Value) error {
	const ordered = stateScanned | stateOrdered
	switch {
	case len(v.JSON) == 0:
		e.null()
	case v.state&(stateScanned|stateMarker) == stateScanned:
		e.dst = append(e.dst, v.JSON...)
	case len(v.Attachments) == 0:
		return e.raw(v.JSON)
	case v.state&ordered == ordered && int(v.first) == len(e.attachments) && int(v.first+v.count) <= len(v.Attachments):
		own := v.Attachments[v.first : v.first+v.count : v.first+v.count]
		e.dst = append(e.dst, v.JSON...)
		if e.attachments == nil {
			e.attachments = own
		} else {
			e.attachments = append(e.attachments, own...)
		}
	default:
		return e.renumbered(v)
	}
	return nil
}

// renumbered writes a Value with a new number for each placeholder.
func (e *encoder) renumbered(v Value) error {
	dst, err := v.splice(e.dst, e.depth, func(dst, data []byte) []byte {
		if data == nil {
			data = []byte{} // what stands in the text is an attachment, not null
		}
		e.dst = dst
		e.attach(data)
		return e.dst
	})
	e.dst = dst
	if known, ok := err.(*Error); ok {
		return fmt.Errorf("%w: %w", errRawJSON, known)
	}
	return err
}

// raw writes JSON text that holds no attachments.
func (e *encoder) raw(text []byte) error {
	s := newScanner(text, e.depth, DepthCeiling)
	s.collect = e.binary
	from, end, ok := s.document()
	if !ok {
		return fmt.Errorf("%w: %w", errRawJSON, s.err)
	}
	if s.notes&noteMarker != 0 {
		e.lookalike = true
	}
	for _, sp := range s.spans {
		e.dst = append(e.dst, text[from:sp.start]...)
		e.null()
		from = sp.end
	}
	e.dst = append(e.dst, text[from:end]...)
	return nil
}
