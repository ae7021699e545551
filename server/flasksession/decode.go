package flasksession

import (
	"bytes"
	"encoding/base64"
	"errors"
	"math"
	"math/big"
	"net/http"
	"net/mail"
	"strconv"
	"strings"
	"time"

	"hipflask/server/internal/packet"
)

const (
	// maxReadDepth is more than Flask can write.
	maxReadDepth = packet.DepthCeiling
	// maxDigits of an integer are Python's limit too (sys.set_int_max_str_digits).
	maxDigits = 4300
)

var (
	errNoDict = errors.New("flasksession: not a dict")
	errTag    = errors.New("flasksession: a tag's value is not of its kind")
	errDigits = errors.New("flasksession: an integer has too many digits")
)

// What Python writes and JSON does not have is read as numbers that Python never writes.
const (
	nan      = "-0e999"
	infinity = "1e999"
)

// decodeTagged reads Flask's tagged JSON, whose outermost value has to be a dict.
func decodeTagged(text []byte) (*object, error) {
	v, err := packet.Parse(packet.ReplaceConstants(text, nan, infinity, "-"+infinity), maxReadDepth)
	if err != nil {
		return nil, err
	}
	var b builder
	if err := v.Walk(&b); err != nil {
		return nil, err
	}
	if b.err != nil {
		return nil, b.err
	}
	o, ok := b.root.(*object)
	if !ok {
		return nil, errNoDict
	}
	return o, nil
}

// builder makes values of what a walk through the JSON meets. It keeps its own stack.
type builder struct {
	open []container
	root any
	err  error // the first
}

// container is a list or a dict that is not complete.
type container struct {
	list   list
	object *object // nil: it is a list
	key    string  // of the member that comes next
}

func (b *builder) add(v any) {
	if len(b.open) == 0 {
		b.root = v
		return
	}
	in := &b.open[len(b.open)-1]
	if in.object == nil {
		in.list = append(in.list, v)
		return
	}
	in.object.set(in.key, v)
}

func (b *builder) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

func (b *builder) close() container {
	last := b.open[len(b.open)-1]
	b.open = b.open[:len(b.open)-1]
	return last
}

func (b *builder) Null()            { b.add(nil) }
func (b *builder) Bool(v bool)      { b.add(v) }
func (b *builder) Text(text []byte) { b.add(string(text)) }
func (b *builder) Binary([]byte)    {} // packets alone have attachments
func (b *builder) BeginArray()      { b.open = append(b.open, container{list: list{}}) }
func (b *builder) EndArray(int)     { b.add(b.close().list) }
func (b *builder) BeginObject()     { b.open = append(b.open, container{object: new(object)}) }
func (b *builder) Key(text []byte)  { b.open[len(b.open)-1].key = string(text) }

func (b *builder) EndObject(int) {
	v, err := untag(b.close().object)
	if err != nil {
		b.fail(err)
	}
	b.add(v)
}

// Number reads what Python's json module reads as an int, or as a float.
func (b *builder) Number(text []byte) {
	if string(text) == nan {
		b.add(math.NaN())
		return
	}
	if bytes.ContainsAny(text, ".eE") {
		f, _ := strconv.ParseFloat(string(text), 64) // out of range is an infinity, as in Python
		b.add(f)
		return
	}
	if n, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		b.add(n)
		return
	}
	n, ok := new(big.Int), len(text) <= maxDigits
	if ok {
		_, ok = n.SetString(string(text), 10)
	}
	if !ok {
		b.fail(errDigits)
	}
	b.add(n)
}

// untag returns what a complete object stands for, mostly itself.
func untag(o *object) (any, error) {
	if len(o.keys) != 1 || !isTag(o.keys[0]) {
		return o, nil
	}
	tag, v := o.keys[0], o.values[o.keys[0]]
	switch v := v.(type) {
	case list:
		if tag == tagTuple {
			return tuple(v), nil
		}
	case *object:
		if tag == tagDict && len(v.keys) == 1 && strings.HasSuffix(v.keys[0], dictSuffix) {
			own := new(object)
			own.set(strings.TrimSuffix(v.keys[0], dictSuffix), v.values[v.keys[0]])
			return own, nil
		}
	case string:
		return untagText(tag, v)
	}
	return nil, errTag
}

func untagText(tag, text string) (any, error) {
	switch tag {
	case tagBytes:
		return base64.StdEncoding.DecodeString(text)
	case tagMarkup:
		return Markup(text), nil
	case tagUUID:
		return ParseUUID(text)
	case tagDate:
		return parseDate(text), nil
	}
	return nil, errTag
}

// parseDate is nil, as None in Flask, for what is no date.
func parseDate(text string) any {
	t, err := http.ParseTime(text)
	if err != nil {
		t, err = mail.ParseDate(text)
	}
	if err != nil {
		return nil
	}
	return t.UTC().Truncate(time.Second)
}
