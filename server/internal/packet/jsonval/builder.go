package jsonval

import (
	"bytes"
	"math"
	"strconv"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/pyprint"
)

// Builder writes values as JSON with attachments, within Limits that hold for all of a message's
// values together. The attachments are numbered through the message, as in a packet.
//
// After the first error nothing more is written; whoever loops over input asks Err. Brackets and
// keys are the caller's to get right.
type Builder struct {
	limits      Limits
	dst         []byte
	attachments [][]byte
	bytes       int // in attachments
	values      int
	open        []level
	done        []part
	lookalikes  []span // in the value being written, the outermost
	err         *packet.Error
}

// level is an array or object that is not finished.
type level struct {
	start   int
	members int
	hasKey  bool // a key is written, its value is not
	marker  int  // where the value of "_placeholder" starts, or 0
	marked  bool // it was true
}

// part is a finished value.
type part struct {
	end         int // in dst
	attachments int // in it and those before it
	binary      bool
}

type span struct{ start, end int }

// NewBuilder returns a Builder that expects about size bytes of JSON.
func NewBuilder(limits Limits, size int) *Builder {
	return &Builder{limits: limits, dst: make([]byte, 0, size)}
}

// Err returns the first error, or nil. It is always an *packet.Error.
func (b *Builder) Err() error {
	if b.err == nil {
		return nil // not a nil *packet.Error in an interface
	}
	return b.err
}

// Fail makes reason the error, if there is none yet.
func (b *Builder) Fail(reason string) { b.fail(&packet.Error{Reason: reason}) }

func (b *Builder) fail(err *packet.Error) {
	if b.err == nil {
		b.err = err
	}
}

// Values returns the values written so far. They may be used while more are written.
func (b *Builder) Values() ([]packet.Value, error) {
	if b.err != nil {
		return nil, b.err
	}
	if len(b.done) == 0 {
		return nil, nil
	}
	values := make([]packet.Value, len(b.done))
	start := 0
	for i, p := range b.done {
		values[i].JSON = b.dst[start:p.end:p.end]
		if p.binary {
			values[i].Attachments = b.attachments
		}
		start = p.end
	}
	return values, nil
}

// Null writes null.
func (b *Builder) Null() { b.Raw("null") }

// Bool writes true or false.
func (b *Builder) Bool(v bool) { b.Raw(strconv.FormatBool(v)) }

// Raw writes what is JSON already, and no attachment.
func (b *Builder) Raw(text string) {
	if b.begin() {
		b.dst = append(b.dst, text...)
		b.end()
	}
}

// Int writes an integer.
func (b *Builder) Int(v int64) {
	if b.begin() {
		b.dst = strconv.AppendInt(b.dst, v, 10)
		b.end()
	}
}

// Uint writes an integer.
func (b *Builder) Uint(v uint64) {
	if b.begin() {
		b.dst = strconv.AppendUint(b.dst, v, 10)
		b.end()
	}
}

// Float writes a number as JavaScript's JSON.stringify does: 2.0 is 2, -0 is 0, and NaN and the
// infinities are null.
func (b *Builder) Float(f float64) {
	if b.begin() {
		b.dst = packet.AppendFloat(b.dst, f+0, 64) // -0+0 is 0
		b.end()
	}
}

// PythonFloat writes a number as Python's json.dumps does, so that 2.0 stays a float, except that
// NaN and the infinities are null.
func (b *Builder) PythonFloat(f float64) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		b.Null()
		return
	}
	if b.begin() {
		b.dst = pyprint.AppendFloat(b.dst, f)
		b.end()
	}
}

// Text writes a string. Half of a surrogate pair, in the three bytes that Python's surrogatepass
// makes of it, becomes an escape; other bytes that are not UTF-8 become U+FFFD.
func (b *Builder) Text(text []byte) {
	if b.begin() {
		b.dst = packet.AppendHalves(b.dst, string(text))
		b.end()
	}
}

// Binary writes an attachment. It keeps data.
func (b *Builder) Binary(data []byte) {
	if !b.begin() {
		return
	}
	if max := b.limits.Attachments(); len(b.attachments) >= max {
		b.fail(&packet.Error{Limit: packet.LimitAttachments, Max: max})
		return
	}
	b.dst = append(b.dst, `{"_placeholder":true,"num":`...)
	b.dst = strconv.AppendInt(b.dst, int64(len(b.attachments)), 10)
	b.dst = append(b.dst, '}')
	b.attachments = append(b.attachments, data)
	b.bytes += len(data)
	b.end()
}

// BeginArray opens an array.
func (b *Builder) BeginArray() { b.enter('[') }

// BeginObject opens an object.
func (b *Builder) BeginObject() { b.enter('{') }

func (b *Builder) enter(bracket byte) {
	if !b.begin() {
		return
	}
	if max := b.limits.Depth(); len(b.open) >= max {
		b.fail(&packet.Error{Limit: packet.LimitDepth, Max: max})
		return
	}
	b.open = append(b.open, level{start: len(b.dst)})
	b.dst = append(b.dst, bracket)
}

// Key writes the key of the member that follows; text is as in Text.
func (b *Builder) Key(text []byte) {
	if b.err != nil || !b.count() {
		return
	}
	l := b.top()
	b.comma(l)
	b.dst = append(packet.AppendHalves(b.dst, string(text)), ':')
	l.hasKey = true
	if string(text) == "_placeholder" {
		l.marker = len(b.dst)
	}
}

// EndArray closes an array.
func (b *Builder) EndArray() { b.leave(']') }

// EndObject closes an object.
func (b *Builder) EndObject() { b.leave('}') }

func (b *Builder) leave(bracket byte) {
	if b.err != nil {
		return
	}
	l := *b.top()
	b.open = b.open[:len(b.open)-1]
	b.dst = append(b.dst, bracket)
	if l.marked {
		n := len(b.lookalikes)
		for n > 0 && b.lookalikes[n-1].start > l.start { // inside this one
			n--
		}
		b.lookalikes = append(b.lookalikes[:n], span{l.start, len(b.dst)})
	}
	b.end()
}

func (b *Builder) top() *level { return &b.open[len(b.open)-1] }

// begin makes ready for a value; false means that there is an error.
func (b *Builder) begin() bool {
	if b.err != nil || !b.count() {
		return false
	}
	if len(b.open) == 0 {
		return true
	}
	if l := b.top(); l.hasKey {
		l.hasKey = false
	} else {
		b.comma(l)
	}
	return true
}

func (b *Builder) count() bool {
	if max := b.limits.Values(); b.values >= max {
		b.fail(&packet.Error{Limit: LimitValues, Max: max})
		return false
	}
	b.values++
	return true
}

func (b *Builder) comma(l *level) {
	if l.members > 0 {
		b.dst = append(b.dst, ',')
	}
	l.members++
}

// end follows each finished value.
func (b *Builder) end() {
	if max := b.limits.Bytes(); len(b.dst)+b.bytes > max {
		b.fail(&packet.Error{Limit: packet.LimitBytes, Max: max})
		return
	}
	if len(b.open) == 0 {
		b.finish()
		return
	}
	if l := b.top(); l.marker > 0 {
		l.marked = string(b.dst[l.marker:]) == "true"
		l.marker = 0
	}
}

// finish ends an argument. An object in it that looks like an attachment's placeholder and is none
// becomes null where there are attachments, as the packet encoder has it.
func (b *Builder) finish() {
	var last part
	if n := len(b.done); n > 0 {
		last = b.done[n-1]
	}
	p := part{attachments: len(b.attachments), binary: len(b.attachments) > last.attachments}
	if p.binary && len(b.lookalikes) > 0 {
		kept := bytes.Clone(b.dst[last.end:])
		b.dst = b.dst[:last.end]
		from := 0
		for _, s := range b.lookalikes {
			b.dst = append(append(b.dst, kept[from:s.start-last.end]...), "null"...)
			from = s.end - last.end
		}
		b.dst = append(b.dst, kept[from:]...)
	}
	b.lookalikes = b.lookalikes[:0]
	p.end = len(b.dst)
	b.done = append(b.done, p)
}
