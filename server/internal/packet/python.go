package packet

import "bytes"

// ReplaceConstants returns text with what Python's json.dumps writes and JSON does not have, NaN,
// Infinity and -Infinity outside of strings, replaced by these.
func ReplaceConstants(text []byte, nan, infinity, minus string) []byte {
	constants := [...]struct{ name, by string }{{"NaN", nan}, {"Infinity", infinity}, {"-Infinity", minus}}
	out := make([]byte, 0, len(text))
	quoted := false
	for len(text) > 0 {
		n := 1
		switch c := text[0]; {
		case quoted && c == '\\' && len(text) > 1:
			n = 2
		case c == '"':
			quoted = !quoted
		case !quoted && (c == 'N' || c == 'I' || c == '-'):
			for _, constant := range constants {
				if rest, ok := bytes.CutPrefix(text, []byte(constant.name)); ok {
					out, text, n = append(out, constant.by...), rest, 0
					break
				}
			}
		}
		out, text = append(out, text[:n]...), text[n:]
	}
	return out
}
