package parity

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
)

// valueCount is how many random values one client sends. The pyprint package tries thousands,
// without the server around it.
const valueCount = 300

// valueScene sends random values and notes what is printed for them.
func valueScene(packets []string) scene {
	return scene{"random values", func(s *story) {
		k := s.join("websocket")
		s.exchange(k, packets...)
		k.leave()
	}}
}

// randomMessages makes events with random values. To repeat a run, set HIPFLASK_TEST_SEED to the
// seed that it logged.
func randomMessages(t *testing.T) []string {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("HIPFLASK_TEST_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("HIPFLASK_TEST_SEED=%d", seed)
	g := &valueMaker{Rand: rand.New(rand.NewPCG(seed, 0))}
	var packets []string
	for range valueCount {
		packets = append(packets, g.message()...)
	}
	return packets
}

// valueMaker writes JSON values as clients might, and with bytes in them.
type valueMaker struct {
	*rand.Rand
	strings.Builder
	attachments []string
}

func (g *valueMaker) message() []string {
	g.Reset()
	g.attachments = nil
	g.value(4)
	if g.attachments == nil {
		return []string{`42["message",` + g.String() + `]`}
	}
	first := fmt.Sprintf(`45%d-["message",%s]`, len(g.attachments), g.String())
	return append([]string{first}, g.attachments...)
}

func (g *valueMaker) value(depth int) {
	kind := g.IntN(10)
	switch {
	case kind == 0 && depth > 0:
		g.list(depth - 1)
	case kind <= 2 && depth > 0:
		g.object(depth - 1)
	case kind == 3:
		g.WriteString([]string{"true", "false", "null"}[g.IntN(3)])
	case kind <= 5:
		g.number()
	case kind == 6:
		g.bytes()
	default:
		g.text()
	}
}

func (g *valueMaker) list(depth int) {
	g.WriteString("[")
	for i := range g.IntN(5) {
		if i > 0 {
			g.WriteString(",")
		}
		g.value(depth)
	}
	g.WriteString("]")
}

func (g *valueMaker) object(depth int) {
	g.WriteString("{")
	for i := range g.IntN(5) {
		if i > 0 {
			g.WriteString(", ")
		}
		g.text()
		g.WriteString(":")
		g.value(depth)
	}
	g.WriteString("}")
}

// number writes integers to 100 digits, as many as Flask-SocketIO takes, and floats of every size.
func (g *valueMaker) number() {
	if g.IntN(2) == 0 {
		g.WriteByte('-') // one of the 100
	}
	if g.IntN(3) == 0 {
		g.WriteString(strconv.Itoa(1+g.IntN(9)) + g.digits(g.IntN(98)))
		return
	}
	g.WriteString(strconv.Itoa(g.IntN(10)) + "." + g.digits(1+g.IntN(20)))
	if g.IntN(2) == 0 {
		g.WriteString("e" + strconv.Itoa(g.IntN(640)-320))
	}
}

func (g *valueMaker) digits(n int) string {
	digits := make([]byte, n)
	for i := range digits {
		digits[i] = byte('0' + g.IntN(10))
	}
	return string(digits)
}

func (g *valueMaker) bytes() {
	data := make([]byte, g.IntN(20))
	for i := range data {
		data[i] = byte(g.IntN(256))
		if g.IntN(2) == 0 {
			data[i] = "'\"\\\n\tab"[g.IntN(7)]
		}
	}
	fmt.Fprintf(g, `{"_placeholder":true,"num":%d}`, len(g.attachments))
	g.attachments = append(g.attachments, "b"+base64.StdEncoding.EncodeToString(data))
}

func (g *valueMaker) text() {
	g.WriteByte('"')
	for range g.IntN(8) {
		r := g.char()
		switch {
		case r < ' ' || r == '"' || r == '\\' || g.IntN(8) == 0:
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(g, `\u%04x`, unit)
			}
		default:
			g.WriteRune(r)
		}
	}
	g.WriteByte('"')
}

// char leaves out what a newer Python prints otherwise, and half surrogate pairs, which
// Flask-SocketIO cannot print.
func (g *valueMaker) char() rune {
	ranges := [][2]rune{{0, 0x20}, {0x20, 0x7f}, {0x20, 0x7f}, {0x7f, 0x180}, {0x2000, 0x2070}, {0x3041, 0x3097}, {0xe000, 0xe100}, {0xfff9, 0x10000}, {0x1f600, 0x1f650}}
	span := ranges[g.IntN(len(ranges))]
	return span[0] + g.Int32N(span[1]-span[0])
}
