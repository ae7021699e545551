package config

import (
	"slices"
	"strings"
)

// readFlags collects the flags' values by setting, unchecked; the last one wins where a flag is
// repeated. As in other GNU programs --help and --version count as soon as they are met.
func readFlags(list []Setting, args []string) (map[string]string, error) {
	values := make(map[string]string)
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if arg == "--" { // the end of the flags
			if len(args) > 0 {
				return nil, unexpected(args[0])
			}
			break
		}
		if arg == "-h" {
			return nil, ErrHelp
		}
		name, value, joined, err := splitFlag(list, arg)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(list, func(s Setting) bool { return s.Name == name })
		if i < 0 {
			return nil, unknownFlag(list, arg)
		}
		switch s := list[i]; {
		case s.stop != nil && joined:
			return nil, &Error{Source: "--" + name, Value: value, Problem: "takes no value"}
		case s.stop != nil:
			return nil, s.stop
		case joined:
		case s.isSwitch():
			value = "true"
			if len(args) > 0 && isBool(args[0]) {
				return nil, &Error{Source: "--" + name, Problem: "takes its value with =, write --" + name + "=" + args[0]}
			}
		case len(args) == 0 || strings.HasPrefix(args[0], "--"):
			return nil, &Error{Source: "--" + name, Problem: "needs a value, as in --" + name + " " + s.Value}
		default:
			value, args = args[0], args[1:]
		}
		values[name] = value
	}
	return values, nil
}

// splitFlag takes --name=value apart; joined says that there was a "=".
func splitFlag(list []Setting, arg string) (name, value string, joined bool, err error) {
	rest, ok := strings.CutPrefix(arg, "--")
	switch {
	case ok:
		name, value, joined = strings.Cut(rest, "=")
		return name, value, joined, nil
	case len(arg) > 1 && arg[0] == '-':
		return "", "", false, unknownFlag(list, arg)
	}
	return "", "", false, unexpected(arg)
}

func unexpected(arg string) *Error {
	return &Error{Problem: "unexpected argument " + quote(arg) + ": every setting is a flag, see --help"}
}

// unknownFlag names the flag that was probably meant, if one is close.
func unknownFlag(list []Setting, arg string) *Error {
	wrong, _, _ := strings.Cut(arg, "=")
	meant := strings.ReplaceAll(strings.ToLower(strings.TrimLeft(wrong, "-")), "_", "-")
	near := slices.IndexFunc(list, func(s Setting) bool { return s.Name == meant })
	if near < 0 {
		near = slices.IndexFunc(list, func(s Setting) bool { return oneEditApart(meant, s.Name) })
	}
	advice := "see --help"
	if near >= 0 {
		advice = "did you mean --" + list[near].Name + "?"
	}
	return &Error{Problem: "unknown flag " + quote(wrong) + ": " + advice}
}

// oneEditApart reports whether a becomes b by at most one byte added, dropped or replaced, or two
// neighbours exchanged.
func oneEditApart(a, b string) bool {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	if len(a) == 2 && len(b) == 2 {
		return a[0] == b[1] && a[1] == b[0]
	}
	return len(a) <= 1 && len(b) <= 1
}
