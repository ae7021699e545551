package flaskqueue

import (
	"strconv"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
)

func malformed(reason string) *packet.Error { return &packet.Error{Reason: "flask queue: " + reason} }

// fields is a message as the names and values of its encoding.
type fields struct {
	all []field
	// How the field data is meant: oneArgument, that a list is one argument and not several;
	// oneNull, that a list of one null is none.
	oneArgument, oneNull bool
}

type field struct {
	name  string
	value packet.Value
}

func readFields(v packet.Value) (fields, error) {
	f := fields{all: make([]field, 0, 10)}
	err := v.Members(func(name string, value packet.Value) error {
		if len(f.all) == maxFields {
			return malformed("too many fields")
		}
		f.all = append(f.all, field{name, value})
		return nil
	})
	return f, err
}

// index is where a field stands, -1 if it is missing.
func (f *fields) index(name string) int {
	for i := len(f.all) - 1; i >= 0; i-- { // of two, the later one counts
		if f.all[i].name == name {
			return i
		}
	}
	return -1
}

func (f *fields) get(name string) (packet.Value, bool) {
	if i := f.index(name); i >= 0 {
		return f.all[i].value, true
	}
	return packet.Value{}, false
}

// text reads a field that is a string.
func (f *fields) text(name string, needed bool) (string, error) {
	v, ok := f.get(name)
	if !ok || v.IsNull() {
		if needed {
			return "", malformed("field " + name + " is missing")
		}
		return "", nil
	}
	s, ok := textOf(v)
	if !ok {
		return "", malformed("field " + name + " is not a string")
	}
	return s, nil
}

// texts reads a field that may be missing, a string or a list of strings.
func (f *fields) texts(name string, limits jsonval.Limits) ([]string, error) {
	v, ok := f.get(name)
	if !ok || v.IsNull() {
		return nil, nil
	}
	if s, ok := textOf(v); ok {
		return []string{s}, nil
	}
	wrong := malformed("field " + name + " is neither a string nor a list of strings, or too long")
	items, err := elements(v, limits.Values(), wrong)
	if err != nil {
		return nil, wrong
	}
	all := make([]string, len(items))
	for i, item := range items {
		if all[i], ok = textOf(item); !ok {
			return nil, wrong
		}
	}
	return all, nil
}

// args reads a field as arguments.
func (f *fields) args(name string, limits jsonval.Limits) ([]packet.Value, error) {
	v, ok := f.get(name)
	switch isData := name == "data"; {
	case !ok:
		return nil, malformed("field " + name + " is missing")
	case v.IsNull():
		return nil, nil
	case v.JSON[0] != '[' || isData && f.oneArgument:
		return []packet.Value{v}, nil
	}
	args, err := elements(v, limits.Args(), &packet.Error{Limit: packet.LimitArgs, Max: limits.Args()})
	if f.oneNull && name == "data" && len(args) == 1 && args[0].IsNull() {
		args = nil
	}
	return args, err
}

// elements lists what a list holds; tooMany is the error where that is more than max.
func elements(v packet.Value, max int, tooMany error) ([]packet.Value, error) {
	all := []packet.Value{}
	err := v.Elements(func(e packet.Value) error {
		if len(all) == max {
			return tooMany
		}
		all = append(all, e)
		return nil
	})
	return all, err
}

// textOf returns a string, or an integer as its decimal.
func textOf(v packet.Value) (string, bool) {
	if s, ok := v.Text(); ok {
		return s, true
	}
	i, err := strconv.ParseInt(string(v.JSON), 10, 64)
	return strconv.FormatInt(i, 10), err == nil
}

func uintOf(v packet.Value) (uint64, bool) {
	i, err := strconv.ParseUint(string(v.JSON), 10, 63)
	return i, err == nil
}
