package pyprint

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// generator makes random JSON values that Python can read.
type generator struct {
	*rand.Rand
	out         []byte
	attachments [][]byte
	last        rune // the character before, a surrogate perhaps
}

func (g *generator) testCase() testCase {
	g.out, g.attachments = nil, nil
	if g.IntN(2) == 0 {
		g.attachments = make([][]byte, g.IntN(4))
		for i := range g.attachments {
			g.attachments[i] = g.bytes()
		}
	}
	g.space()
	g.value(5)
	g.space()
	return testCase{g.out, g.attachments}
}

// oneIn is true once in n times.
func (g *generator) oneIn(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

func (g *generator) write(s string) { g.out = append(g.out, s...) }

func (g *generator) space() {
	for g.oneIn(8) {
		g.write(pick(g, " ", "\t", "\n", "\r"))
	}
}

func (g *generator) value(depth int) {
	if depth == 0 {
		g.scalar()
		return
	}
	switch g.IntN(4) {
	case 0:
		g.list(depth - 1)
	case 1:
		g.object(depth - 1)
	default:
		g.scalar()
	}
}

func (g *generator) scalar() {
	switch g.IntN(8) {
	case 0:
		g.write(pick(g, "true", "false", "null"))
	case 1:
		g.integer()
	case 2:
		g.float()
	case 3:
		if len(g.attachments) > 0 {
			g.placeholder()
			return
		}
		fallthrough
	default:
		g.string()
	}
}

func (g *generator) list(depth int) {
	g.write("[")
	g.space()
	for i := range g.IntN(5) {
		if i > 0 {
			g.write(",")
		}
		g.space()
		g.value(depth)
		g.space()
	}
	g.write("]")
}

func (g *generator) object(depth int) {
	g.write("{")
	g.space()
	n := g.IntN(6)
	if g.oneIn(20) {
		n = 10 + g.IntN(30) // where sorting takes another path
	}
	for i := range n {
		if i > 0 {
			g.write(",")
		}
		g.space()
		if g.oneIn(3) {
			g.write(pick(g, `"a"`, `"b"`, `"\u0061"`, `"c"`, `"num"`, `""`)) // likely duplicates
		} else {
			g.string()
		}
		g.space()
		g.write(":")
		g.space()
		g.value(depth)
		g.space()
	}
	g.write("}")
}

// placeholder names an attachment in one of the ways that python-socketio understands, or just
// fails to be a placeholder.
func (g *generator) placeholder() {
	n := len(g.attachments)
	num := strconv.Itoa(g.IntN(2*n) - n)
	if n > 1 && g.oneIn(8) {
		num = pick(g, "true", "false", "-0")
	}
	mark := "true"
	if g.oneIn(4) {
		mark = pick(g, "1", "0.5", `"x"`, "[0]", `{"a":0}`, "false", "null", "0", "-0", "0.0", "-0e5", "1e-999", `""`, "[]", "{}")
	}
	members := []string{`"num":` + num, pick(g, `"_placeholder":`, `"_placehold\u0065r" : `) + mark}
	if g.oneIn(4) {
		members = append(members, `"more":[{}]`)
	}
	g.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	if g.oneIn(8) {
		members = append([]string{`"num":"not this one"`}, members...)
	}
	g.write("{" + strings.Join(members, pick(g, ",", ", ")) + "}")
}

func (g *generator) integer() {
	if g.oneIn(10) {
		g.write(pick(g, "0", "-0", "9007199254740993", "-9223372036854775809"))
		return
	}
	n := 1 + g.IntN(20)
	if g.oneIn(10) {
		n = 1 + g.IntN(4000) // Python refuses more than 4300 digits
	}
	g.write(pick(g, "", "-"))
	g.write(strconv.Itoa(1 + g.IntN(9)))
	g.digits(n - 1)
}

func (g *generator) digits(n int) {
	for range n {
		g.out = append(g.out, byte('0'+g.IntN(10)))
	}
}

func (g *generator) float() {
	g.write(pick(g, "", "-"))
	switch g.IntN(4) {
	case 0: // any double, in any notation
		f := math.Abs(math.Float64frombits(g.Uint64()))
		if math.IsNaN(f) || math.IsInf(f, 0) {
			f = 0.1
		}
		g.out = strconv.AppendFloat(g.out, f, pick[byte](g, 'e', 'E', 'f'), pick(g, 17, 20, 30), 64)
	case 1: // short decimals of everyday size
		g.write(strconv.Itoa(g.IntN(100_000)))
		g.write(".")
		g.digits(1 + g.IntN(5))
	case 2: // around the sizes at which the notation changes
		g.write(strconv.Itoa(1 + g.IntN(9)))
		g.write(".")
		g.digits(1 + g.IntN(18))
		g.write("e" + strconv.Itoa(pick(g, -5, -4, 15, 16)))
	default: // any exponent, over and under the limits too
		g.write(strconv.Itoa(g.IntN(10)))
		if g.oneIn(2) {
			g.write(".")
			g.digits(1 + g.IntN(25))
		}
		g.write(pick(g, "e", "E") + pick(g, "", "+", "-") + pick(g, "", "0") + strconv.Itoa(g.IntN(345)))
	}
}

func (g *generator) string() {
	g.write(`"`)
	n := g.IntN(12)
	if g.oneIn(10) {
		n = g.IntN(200)
	}
	plain := g.oneIn(3)
	for range n {
		if plain {
			g.out = append(g.out, byte('a'+g.IntN(26)))
		} else {
			g.char()
		}
	}
	g.write(`"`)
}

// char writes one character, as it is or as an escape.
func (g *generator) char() {
	r := g.rune()
	if r < ' ' || r == '"' || r == '\\' || utf16.IsSurrogate(r) || g.oneIn(4) {
		g.escape(r)
		return
	}
	g.out = utf8.AppendRune(g.out, r)
}

func (g *generator) escape(r rune) {
	const short = "\"\"\\\\//b\bf\fn\nr\rt\t"
	for i := 0; i < len(short); i += 2 {
		if rune(short[i+1]) == r && g.oneIn(2) {
			g.out = append(g.out, '\\', short[i])
			return
		}
	}
	units := []uint16{uint16(r)}
	if r > 0xffff {
		units = utf16.AppendRune(nil, r)
	}
	for _, unit := range units {
		hex := strconv.FormatUint(uint64(unit)|0x10000, 16)[1:] // four digits
		if g.oneIn(2) {
			hex = strings.ToUpper(hex)
		}
		g.write(`\u` + hex)
	}
}

// rune returns any character, surrogates included, other than those that were assigned after
// Unicode 14: a newer Python prints them, and TestPrintableAgainstPython tries them all. Nor does
// it end a pair that would make one.
func (g *generator) rune() rune {
	for {
		r := g.anyRune()
		pair := utf16.DecodeRune(g.last, r)
		if !isNewer(r) && !isNewer(pair) {
			g.last = r
			return r
		}
	}
}

func (g *generator) anyRune() rune {
	switch g.IntN(12) {
	case 0:
		return pick(g, '\'', '"', '\\', 0x7f, utf8.MaxRune)
	case 1:
		return g.Int32N(0x20)
	case 2:
		return g.Int32N(0x100)
	case 3:
		return g.Int32N(0x3000)
	case 4:
		return 0x2000 + g.Int32N(0x70) // spaces, format characters, punctuation
	case 5:
		return 0xd800 + g.Int32N(0x800) // surrogates
	case 6:
		return g.Int32N(0x10000)
	case 7:
		return 0x1f300 + g.Int32N(0x800) // emoji
	case 8:
		return 0x10000 + g.Int32N(0x10000)
	case 9:
		return g.Int32N(utf8.MaxRune + 1)
	default:
		return g.Int32N(0x80)
	}
}

func (g *generator) bytes() []byte {
	b := make([]byte, g.IntN(40))
	for i := range b {
		b[i] = byte(g.Uint32())
		if g.oneIn(2) {
			b[i] = pick[byte](g, 'a', '\'', '\'', '"', '\\', '\n', '\t', '\r', 0, 0x7f, 0x80)
		}
	}
	if quote := pick[byte](g, 0, '\'', '"'); quote != 0 { // often one kind alone
		for i, c := range b {
			if c == quote {
				b[i] = ' '
			}
		}
	}
	return b
}

// hardFloats are the powers of two and of ten and the doubles beside them.
func hardFloats() []float64 {
	floats := []float64{0, 5e-324, math.MaxFloat64, 0.1, 1.0 / 3, 2.2250738585072011e-308, 9007199254740993}
	add := func(f float64) {
		floats = append(floats, math.Nextafter(f, 0), f)
		if next := math.Nextafter(f, math.Inf(1)); !math.IsInf(next, 0) {
			floats = append(floats, next)
		}
	}
	for e := -1074; e <= 1023; e++ {
		add(math.Ldexp(1, e))
	}
	for e := -323; e <= 308; e++ {
		add(math.Pow10(e))
	}
	return floats
}
