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
	if err != nil { // Python writes what no other reader takes
		v, err = packet.Parse(packet.ReplaceConstants(data, "null", "null", "null"), depth)
	}
	if err != nil {
		return fields{}, err
	}
	f, err := readFields(v)
	if err != nil {
		return f, err
	}
	f.oneNull = true
	if binary, ok := f.get("binary"); ok && string(binary.JSON) == "true" {
		if i := f.index("data"); i >= 0 {
			f.all[i].value, err = attached(f.all[i].value, limits)
		}
	}
	return f, err
}

// attached makes [value, attachment in base64, ...] a value with attachments.
func attached(v packet.Value, limits jsonval.Limits) (packet.Value, error) {
	var value packet.Value
	attachments, n := [][]byte{}, 0
	err := v.Elements(func(e packet.Value) error {
		if n++; n == 1 {
			value = e
			return nil
		}
		if max := limits.Attachments(); len(attachments) == max {
			return &packet.Error{Limit: packet.LimitAttachments, Max: max}
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
	return value, err
}
