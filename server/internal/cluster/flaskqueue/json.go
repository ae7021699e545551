package flaskqueue

import (
	"bytes"
	"encoding/base64"
	"strconv"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
)

// jsonFields is a message that came as a JSON object: its members, in order.
type jsonFields []jsonField

type jsonField struct {
	name  string
	value packet.Value
}

const (
	// maxFields is far more than any version writes.
	maxFields = 64
	// envelope is how many levels of a message stand around an argument: the
	// message, with binary the list of the attachments, the list of arguments.
	envelope = 3
)

func readJSON(data []byte, limits jsonval.Limits) (fields, error) {
	depth := limits.Depth() + envelope
	v, err := packet.Parse(bytes.Clone(data), depth)
	if err != nil {
		if text, changed := withoutNaN(data); changed {
			v, err = packet.Parse(text, depth)
		}
	}
	if err != nil {
		return nil, malformed(err.Error())
	}
	f := make(jsonFields, 0, 10)
	if err := v.Members(func(name string, value packet.Value) error {
		if len(f) == maxFields {
			return malformed("too many fields")
		}
		f = append(f, jsonField{name, value})
		return nil
	}); err != nil {
		return nil, known(err)
	}
	return f, nil
}

// known makes any error one of ours.
func known(err error) error {
	if _, ours := err.(*jsonval.Error); ours || err == nil {
		return err
	}
	return malformed(err.Error())
}

// withoutNaN returns the text with null for NaN, Infinity and -Infinity, which
// Python's json.dumps writes and no other reader takes, and whether it held any.
func withoutNaN(data []byte) (text []byte, changed bool) {
	text = make([]byte, 0, len(data))
	inString := false
	for i := 0; i < len(data); i++ {
		c := data[i]
		switch {
		case inString && c == '\\' && i+1 < len(data):
			i++
			text = append(text, c, data[i])
			continue
		case c == '"':
			inString = !inString
		case !inString && notANumber(data[i:]) > 0:
			text, changed = append(text, "null"...), true
			i += notANumber(data[i:]) - 1
			continue
		}
		text = append(text, c)
	}
	return text, changed
}

// notANumber is the length of the word that text begins with, 0 if it is none.
func notANumber(text []byte) int {
	for _, word := range []string{"NaN", "Infinity", "-Infinity"} {
		if len(text) >= len(word) && string(text[:len(word)]) == word {
			return len(word)
		}
	}
	return 0
}

func (f jsonFields) get(name string) (node, bool) {
	v, ok := f.value(name)
	return jsonNode{v}, ok
}

func (f jsonFields) value(name string) (packet.Value, bool) {
	for i := len(f) - 1; i >= 0; i-- { // of two, the later one counts
		if f[i].name == name {
			return f[i].value, true
		}
	}
	return packet.Value{}, false
}

func (f jsonFields) args(name string, limits jsonval.Limits) ([]packet.Value, error) {
	v, ok := f.value(name)
	if !ok {
		return nil, malformed("field " + name + " is missing")
	}
	if binary, ok := f.value("binary"); ok && string(binary.JSON) == "true" {
		var err error
		if v, err = attached(v, limits); err != nil {
			return nil, err
		}
	}
	switch {
	case v.IsNull():
		return nil, nil
	case v.JSON[0] != '[':
		return []packet.Value{v}, nil
	}
	var args []packet.Value
	err := v.Elements(func(arg packet.Value) error {
		if max := limits.Args(); len(args) == max {
			return &jsonval.Error{Limit: jsonval.LimitArgs, Max: max}
		}
		args = append(args, arg)
		return nil
	})
	if len(args) == 1 && args[0].IsNull() && name == "data" {
		args = nil
	}
	return args, known(err)
}

// attached reads [value, attachment in base64, ...].
func attached(v packet.Value, limits jsonval.Limits) (packet.Value, error) {
	var value packet.Value
	attachments, n := [][]byte{}, 0
	err := v.Elements(func(e packet.Value) error {
		if n++; n == 1 {
			value = e
			return nil
		}
		if max := limits.Attachments(); len(attachments) == max {
			return &jsonval.Error{Limit: jsonval.LimitAttachments, Max: max}
		}
		text, ok := e.Text()
		data, err := base64.StdEncoding.DecodeString(text)
		if !ok || err != nil {
			return malformed("an attachment is not base64")
		}
		attachments = append(attachments, data)
		return nil
	})
	if err == nil && n == 0 {
		err = malformed("binary data without the data")
	}
	if err == nil {
		value, err = value.WithAttachments(attachments)
	}
	return value, known(err)
}

type jsonNode struct{ v packet.Value }

func (n jsonNode) isNull() bool { return n.v.IsNull() }

func (n jsonNode) text() (string, bool) {
	if s, ok := n.v.Text(); ok {
		return s, true
	}
	i, err := strconv.ParseInt(string(n.v.JSON), 10, 64)
	return strconv.FormatInt(i, 10), err == nil
}

func (n jsonNode) uint() (uint64, bool) {
	i, err := strconv.ParseUint(string(n.v.JSON), 10, 63)
	return i, err == nil
}

func (n jsonNode) list(max int) []node {
	nodes := []node{}
	if err := n.v.Elements(func(e packet.Value) error {
		if len(nodes) == max {
			return malformed("a list that is too long")
		}
		nodes = append(nodes, jsonNode{e})
		return nil
	}); err != nil {
		return nil
	}
	return nodes
}
