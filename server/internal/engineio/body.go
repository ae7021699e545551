package engineio

import (
	"hipflask/server/internal/coding"
	"hipflask/server/internal/engineio/payload"
)

// partRoom is about what a message takes in a body beside its bytes.
const partRoom = 8

// body is that of an answer to a poll. It is written in pieces, and what it shares with others is
// copied for none of them:
//
// Packets under largeFrame are joined, with what stands around them, into runs that are this
// answer's own. A larger packet has a form for each payload format, made once for all sessions that
// are sent it. When the client accepts it and there is enough of it, the body is compressed: each
// large packet once for all, each run for this answer, and only if it alone is worth that. All of
// them together make one stream.
type body struct {
	encoding string // empty: as it is
	pieces   [][]byte
	size     int // bytes of them
	own      int // bytes that were made for this answer alone
}

// item is a run, or else the nth packet of a message. What is stored is not compressed.
type item struct {
	run    []byte
	m      *Message
	n      int
	stored bool
}

// body makes the body that holds these packets, before and after being what stands around them.
// encoding is what the client accepts, or empty.
func (o *outlet) body(portions []portion, format payload.Format, before, after, encoding string) *body {
	b := new(body)
	items, size := itemsOf(portions, format, before, after)
	if encoding != "" && o.compresses(size) {
		b.encoding = encoding
		b.compress(o, items, format)
		return b
	}
	for _, i := range items {
		if i.m == nil {
			b.add(i.run)
			b.own += len(i.run)
			continue
		}
		part := i.m.form(i.n, format, nil, o.memory).part
		b.add(part.Made)
		b.add(part.Own)
	}
	return b
}

// itemsOf lists what a body is made of, and returns how many bytes of that may be compressed, large
// packets as they are before they are written in the format.
func itemsOf(portions []portion, format payload.Format, before, after string) (items []item, size int) {
	room := len(before) + len(after)
	for _, p := range portions {
		room += p.Len() + partRoom
	}
	run := item{run: append(make([]byte, 0, min(room, largeFrame)), before...)}
	end := func() {
		if len(run.run) == 0 {
			return
		}
		items = append(items, run)
		if !run.stored {
			size += len(run.run)
		}
		run = item{}
	}
	separator := ""
	for _, p := range portions {
		for n := range p.count {
			if run.stored != p.stored {
				end()
				run.stored = p.stored
			}
			run.run = append(run.run, separator...)
			separator = format.Separator()
			data, _ := p.packet(n)
			if len(data) < largeFrame {
				part := p.part(n, format)
				run.run = append(append(run.run, part.Made...), part.Own...)
				continue
			}
			end()
			items = append(items, item{m: p.Message, n: n, stored: p.stored})
			if !p.stored {
				size += len(data)
			}
		}
	}
	run.run = append(run.run, after...)
	end()
	return items, size
}

// compress makes the pieces of a compressed body.
func (b *body) compress(o *outlet, items []item, format payload.Format) {
	var segments []coding.Segment
	for _, i := range items {
		var s coding.Segment
		switch {
		case i.m != nil && i.stored:
			part := i.m.form(i.n, format, nil, o.memory).part
			segments = append(segments, coding.Store(part.Made))
			s = coding.Store(part.Own)
			b.own += segments[len(segments)-1].Len() + s.Len()
		case i.m != nil:
			s = i.m.form(i.n, format, &o.compressor, o.memory).segment
		case !i.stored && len(i.run) >= o.compressFrom:
			s = o.compressor.Compress(i.run)
			b.own += s.Len()
		default:
			s = coding.Store(i.run)
			b.own += s.Len()
		}
		segments = append(segments, s)
	}
	for _, piece := range coding.Join(b.encoding, segments) {
		b.add(piece)
	}
}

func (b *body) add(piece []byte) {
	if len(piece) > 0 {
		b.pieces = append(b.pieces, piece)
		b.size += len(piece)
	}
}
