//go:build linux

package main

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"
)

// oneIn is how many clients there are for each that looks into compressed messages. The others
// count them: unpacking all would take more than sending them.
const oneIn = 20

// packed is a work in which one client sends JSON of a certain size, each message another, which
// all get compressed; the next follows when all have it.
type packed struct {
	nothing
	h     *herd
	from  *conn
	size  int
	until time.Time
	text  string // what all get
	seen  []int  // messages that came, by client
	sent  int
	left  int // clients that do not have the last one
	outcome
}

func newPacked(h *herd, size int) *packed {
	p := &packed{h: h, from: h.conns[0], size: size, seen: make([]int, len(h.conns))}
	h.begin(p)
	for _, c := range h.conns {
		if c.number%oneIn != 0 && len(c.in) == 0 {
			c.inflater = nil
		}
	}
	return p
}

func (p *packed) closed(d time.Duration) (outcome, error) {
	begin := time.Now()
	p.until = begin.Add(d)
	p.send()
	err := p.h.end(d, func() bool { return p.left == 0 })
	p.Elapsed = time.Since(begin)
	p.Lost = p.left
	return p.outcome, err
}

func (p *packed) send() {
	p.text = `42["message",` + records(uint64(p.h.runs)<<32+uint64(p.sent), p.size) + "]"
	p.sent++
	p.left = len(p.h.conns)
	p.from.write(maskedFrame(opText, []byte(p.text)))
}

// compressed handles a compressed frame. Node compresses every packet, heartbeats too.
func (c *conn) compressed(payload []byte, size int) {
	const heartbeat = 16 // bytes; messages take more
	switch {
	case c.inflater == nil && size < heartbeat:
		c.send("3")
	case c.inflater == nil:
		c.herd.work.packed(c, nil, size)
	default:
		text, err := c.inflater.unpack(payload)
		switch {
		case err != nil || len(text) == 0:
			c.fail("%q cannot be unpacked: %w", payload, err)
		case c.state == stateReady && bytes.HasPrefix(text, []byte("42")):
			c.herd.work.packed(c, text, size)
		default:
			c.packet(text, len(text))
		}
	}
}

func (p *packed) packed(c *conn, text []byte, size int) {
	if text != nil && string(text) != p.text {
		c.fail("not the message that was sent: %.60q", text)
		return
	}
	if p.seen[c.number]++; p.seen[c.number] != p.sent {
		p.Reordered++
	}
	p.Delivered++
	p.Bytes += size
	if size < 126 {
		p.Bytes += 2
	} else {
		p.Bytes += 4
	}
	if p.left--; p.left == 0 && time.Now().Before(p.until) {
		p.send()
	}
}

// message fails: both servers compress what is as long as this.
func (p *packed) message(c *conn, _ []byte, size int) {
	c.fail("a message of %d bytes was not compressed", size)
}

// inflater unpacks what one client gets, which may refer to what it got before.
type inflater struct {
	r    io.ReadCloser
	past []byte // the last 32 KiB
}

func newInflater() *inflater { return &inflater{r: flate.NewReader(nil)} }

func (f *inflater) unpack(p []byte) ([]byte, error) {
	const window = 32 << 10
	// What RFC 7692 leaves off, and a last block, so that the reader finds the end.
	in := io.MultiReader(bytes.NewReader(p), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff"))
	if err := f.r.(flate.Resetter).Reset(in, f.past); err != nil {
		return nil, err
	}
	out, err := io.ReadAll(f.r)
	f.past = append(f.past, out...)
	f.past = f.past[max(0, len(f.past)-window):]
	return out, err
}

var words = strings.Fields(`the a to of and in is it you that was for on are with as at be this have from or one had by
	but not what all were we when your can said there use an each which she do how their if will up other about out many
	then them these so some her would make like him into time has look two more write go see number no way could people
	my than first water been call who oil its now find long down day did get come made may part`)

// records is a JSON array with entries of a chat's log, of at least so many bytes, the same for the
// same number.
func records(number uint64, size int) string {
	r := rand.New(rand.NewPCG(number, 1))
	var b strings.Builder
	b.WriteByte('[')
	for i := 0; b.Len() < size-1; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		var text []string
		for range 4 + r.IntN(12) {
			text = append(text, words[r.IntN(len(words))])
		}
		fmt.Fprintf(&b, `{"id":%d,"room":"general","user":{"id":%d,"name":"%s %s","admin":%t},"text":"%s","sent":%d,"edited":false}`,
			r.Uint32(), r.IntN(5000), words[r.IntN(len(words))], words[r.IntN(len(words))], r.IntN(20) == 0,
			strings.Join(text, " "), 1764000000000+r.Int64N(1e9))
	}
	b.WriteByte(']')
	return b.String()
}
