package parity

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// canonical writes a packet so that what means the same to a client is the same: session ids, and
// within JSON the escapes, the writing of numbers, repeated keys.
func canonical(packet string) string {
	packet = withoutIDs(packet)
	start := strings.IndexAny(packet, `[{"`)
	if start < 0 || strings.HasPrefix(packet, "b") {
		return packet
	}
	d := json.NewDecoder(strings.NewReader(packet[start:]))
	d.UseNumber()
	text, err := canonicalJSON(d)
	if err != nil || d.More() {
		return packet
	}
	return packet[:start] + text
}

// withoutIDs replaces session ids, which have 20 characters, and 24 where the library makes them.
func withoutIDs(text string) string {
	return regexp.MustCompile(`\\?"sid\\?":\\?"([\w-]{20}|[\w-]{24})\\?"|\bio=[\w-]{20};`).ReplaceAllStringFunc(text, func(id string) string {
		return id[:strings.IndexAny(id, ":=")+1] + "<id>"
	})
}

func canonicalJSON(d *json.Decoder) (string, error) {
	token, err := d.Token()
	if err != nil {
		return "", err
	}
	switch v := token.(type) {
	case json.Delim:
		if v == '[' {
			return canonicalList(d)
		}
		return canonicalObject(d)
	case json.Number:
		return canonicalNumber(string(v)), nil
	case string:
		return strconv.Quote(v), nil
	}
	text, err := json.Marshal(token)
	return string(text), err // true, false, null
}

func canonicalList(d *json.Decoder) (string, error) {
	var all []string
	for d.More() {
		text, err := canonicalJSON(d)
		if err != nil {
			return "", err
		}
		all = append(all, text)
	}
	_, err := d.Token()
	return "[" + strings.Join(all, ",") + "]", err
}

func canonicalObject(d *json.Decoder) (string, error) {
	var keys []string
	values := make(map[string]string)
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return "", err
		}
		name := strconv.Quote(fmt.Sprint(key))
		if _, again := values[name]; !again {
			keys = append(keys, name)
		}
		if values[name], err = canonicalJSON(d); err != nil {
			return "", err
		}
	}
	_, err := d.Token()
	for i, name := range keys {
		keys[i] = name + ":" + values[name]
	}
	return "{" + strings.Join(keys, ",") + "}", err
}

// canonicalNumber keeps every digit of an integer, and of anything else what a double keeps.
func canonicalNumber(literal string) string {
	if n, ok := new(big.Int).SetString(literal, 10); ok {
		return n.String()
	}
	f, err := strconv.ParseFloat(literal, 64)
	if err != nil {
		return literal // beyond a double
	}
	if math.Abs(f) < 1e16 && f == math.Trunc(f) {
		return strconv.FormatInt(int64(f), 10) // Python writes 1e2 as 100.0, a client reads 100
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}
