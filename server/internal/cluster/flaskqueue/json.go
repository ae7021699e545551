package flaskqueue

import (
	"bytes"
	"encoding/base64"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
)

const (
	// maxFields is far more than any version writes.
	maxFields = 64
	// envelope is how many levels of a message stand around an argument: the message, with binary
	// the list of the attachments, the list of arguments.
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
		return fields{}, malformed(err.Error())
	}
	f, err := readFields(v)
	if err != nil {
		return f, err
	}
	f.oneNull = true
	if binary, ok := f.get("binary"); ok && string(binary.JSON) == "true" {
		err = f.attach(limits)
	}
	return f, err
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

// attach makes [value, attachment in base64, ...] of the field data a value with attachments.
func (f *fields) attach(limits jsonval.Limits) error {
	i := f.index("data")
	if i < 0 {
		return nil
	}
	var err error
	f.all[i].value, err = attached(f.all[i].value, limits)
	return err
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
