package flasksession

import (
	"encoding/hex"
	"errors"
	"html/template"
	"slices"
	"strings"
)

// Tuple is Python's tuple. It is emitted as a list.
type Tuple []any

// Markup is HTML that Flask's templates do not escape: markupsafe.Markup. Templates of
// html/template do not escape it either.
type Markup = template.HTML

// UUID is Python's uuid.UUID. Other packages' UUIDs of 16 bytes can be converted.
type UUID [16]byte

// ParseUUID reads 32 hexadecimal digits, with or without dashes.
func ParseUUID(text string) (UUID, error) {
	digits, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err != nil || len(digits) != len(UUID{}) {
		return UUID{}, errors.New("flasksession: a UUID has 32 hexadecimal digits")
	}
	return UUID(digits), nil
}

// String returns the form with dashes, as Python's str(uuid) does.
func (u UUID) String() string {
	h := hex.EncodeToString(u[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// MarshalText lets JSON have the UUID as its text.
func (u UUID) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText undoes MarshalText.
func (u *UUID) UnmarshalText(text []byte) error {
	parsed, err := ParseUUID(string(text))
	if err != nil {
		return err
	}
	*u = parsed
	return nil
}

// object is a dict that keeps the order of its keys.
type object struct {
	keys   []string
	values map[string]any
}

func (o *object) set(key string, value any) {
	if o.values == nil {
		o.values = make(map[string]any)
	}
	if _, there := o.values[key]; !there {
		o.keys = append(o.keys, key)
	}
	o.values[key] = value
}

// natural copies a value that was read into what handlers get.
func natural(v any) any {
	switch v := v.(type) {
	case *object:
		m := make(map[string]any, len(v.keys))
		for key, value := range v.values {
			m[key] = natural(value)
		}
		return m
	case list:
		return naturalAll(v)
	case tuple:
		return Tuple(naturalAll(v))
	}
	return v
}

func naturalAll(values []any) []any {
	all := make([]any, len(values))
	for i, v := range values {
		all[i] = natural(v)
	}
	return all
}

// list and tuple are what was read, and may hold objects; what a program sets itself is never one
// of them.
type (
	list  []any
	tuple []any
)

// tags are the keys that make an object of one member a value. Flask:
// TaggedJSONSerializer.default_tags.
const (
	tagDict   = " di"
	tagTuple  = " t"
	tagBytes  = " b"
	tagMarkup = " m"
	tagUUID   = " u"
	tagDate   = " d"

	// dictSuffix stands behind the key of a dict in tagDict.
	dictSuffix = "__"
)

func isTag(key string) bool {
	return slices.Contains([]string{tagDict, tagTuple, tagBytes, tagMarkup, tagUUID, tagDate}, key)
}
