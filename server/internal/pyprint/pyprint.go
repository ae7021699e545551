// Package pyprint owns one piece of text: a JSON value shown as Python's print shows the object
// that python-socketio decodes from it.
//
// The model is CPython 3.11: json.loads, each binary placeholder replaced by its attachment, then
// str. A string by itself is printed as it is; inside a list or a dict every value is shown by its
// repr.
//
// Where Python would raise, and so lose the message, the text is printed:
//   - integers of any length keep all their digits (engineio refuses more than
//     100 of them, Python itself more than 4300);
//   - a lone surrogate in a string by itself, which UTF-8 cannot carry, is
//     written \udXXX, as Python's "backslashreplace" does and as repr shows it;
//   - a placeholder with no attachment is shown as the dict it is;
//   - text that is not strict JSON (RFC 8259) in UTF-8, or that nests deeper
//     than 1000 levels, is copied as it came.
//
// An attachment that many placeholders name is shown as often as Python would show it only up to a
// limit, so that a small message cannot ask for gigabytes.
package pyprint

import "hipflask/server/internal/packet"

// AppendValue appends to dst what Python 3.11's print shows for the value, and returns the extended
// slice. It adds no line break.
//
// When the value has attachments, an object that python-socketio takes for a placeholder,
// {"_placeholder":true,"num":N}, is shown as the bytes of attachment N. When N is out of range it
// is shown as a dict, and so are the placeholders that repeat attachments by more than 64 KiB in
// all.
//
// The output is never longer than 5 bytes for each byte of JSON and 4 for each byte of an
// attachment shown, and a few for quotes.
func AppendValue(dst []byte, v packet.Value) []byte {
	if text, ok := v.Scalar(); ok {
		p := printer{dst: dst} // on the stack
		p.scalar(text)
		return p.dst
	}
	p := printer{dst: dst, attachments: v.Attachments}
	if !p.print(v) {
		return append(p.dst[:len(dst)], v.JSON...)
	}
	return merge(p.dst, len(dst), p.doubled)
}
