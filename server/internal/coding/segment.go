package coding

import (
	"encoding/binary"
	"hash/adler32"
	"hash/crc32"

	"hipflask/server/internal/deflate"
)

// Segment is a part of a compressed body: raw deflate blocks (RFC 1951) that end at a byte's
// boundary, and none of which is the last one. They refer to nothing before them, so segments may
// follow each other in any order and be shared by many bodies.
type Segment struct {
	data  []byte
	size  int // before compression
	crc   uint32
	adler uint32
}

// Len is how many bytes the segment takes.
func (s Segment) Len() int { return len(s.data) }

// Compressor makes segments. The zero value is ready.
type Compressor struct{ codec deflate.Codec }

// Compress makes one segment of all parts.
func (c *Compressor) Compress(parts ...[]byte) Segment {
	s := Segment{data: c.codec.Compress(parts...)}
	adler := adler32.New()
	for _, part := range parts {
		_, _ = adler.Write(part)
		s.crc = crc32.Update(s.crc, crc32.IEEETable, part)
		s.size += len(part)
	}
	s.adler = adler.Sum32()
	return s
}

// Store makes a segment of a part without compressing it.
func Store(part []byte) Segment {
	const most = 0xffff // bytes of a stored block
	s := Segment{size: len(part), crc: crc32.ChecksumIEEE(part), adler: adler32.Checksum(part)}
	for len(part) > 0 {
		n := min(len(part), most)
		s.data = append(s.data, 0)
		s.data = binary.LittleEndian.AppendUint16(s.data, uint16(n))
		s.data = binary.LittleEndian.AppendUint16(s.data, ^uint16(n))
		s.data = append(s.data, part[:n]...)
		part = part[n:]
	}
	return s
}

// Join returns the pieces of a body in that coding, [Gzip] or [Deflate]: one gzip member (RFC 1952)
// or one zlib stream (RFC 1950), which every client reads.
func Join(coding string, segments []Segment) [][]byte {
	head := []byte{0x78, 0x9c}
	if coding == Gzip {
		head = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff} // no name, no time, no system
	}
	pieces := append(make([][]byte, 0, len(segments)+2), head)
	crc, adler, size := uint32(0), uint32(1), 0
	for _, s := range segments {
		crc, adler = combineCRC(crc, s.crc, s.size), combineAdler(adler, s.adler, s.size)
		size += s.size
		pieces = append(pieces, s.data)
	}
	tail := []byte{3, 0} // the last block, which is empty
	if coding == Gzip {
		tail = binary.LittleEndian.AppendUint32(tail, crc)
		tail = binary.LittleEndian.AppendUint32(tail, uint32(size)) // modulo 2^32, as it is to be
	} else {
		tail = binary.BigEndian.AppendUint32(tail, adler)
	}
	return append(pieces, tail)
}

// combineCRC returns the CRC-32 of two texts one after the other: what came first is multiplied by
// x to the power of the second one's bits, modulo the polynomial.
func combineCRC(first, second uint32, size int) uint32 {
	const one, x8 = 1 << 31, 1 << 23 // reflected: the lowest power is the highest bit
	power, square := uint32(one), uint32(x8)
	for n := size; n > 0; n >>= 1 {
		if n&1 != 0 {
			power = multiply(power, square)
		}
		square = multiply(square, square)
	}
	return multiply(power, first) ^ second
}

func multiply(a, b uint32) uint32 {
	product := uint32(0)
	for bit := uint32(1 << 31); bit != 0; bit >>= 1 {
		if a&bit != 0 {
			product ^= b
		}
		b = b>>1 ^ (b&1)*crc32.IEEE
	}
	return product
}

// combineAdler returns the Adler-32 of two texts one after the other.
func combineAdler(first, second uint32, size int) uint32 {
	const base = 65521
	a1, b1 := uint64(first&0xffff), uint64(first>>16)
	a2, b2 := uint64(second&0xffff), uint64(second>>16)
	n := uint64(size) % base
	a := (a1 + a2 + base - 1) % base
	b := (b1 + b2 + n*a1 + (base-n)%base) % base
	return uint32(b<<16 | a)
}
