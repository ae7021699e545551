package config

// Setting describes one setting, for the help text and for a table in the documentation.
type Setting struct {
	Group   string // heading under which the help text lists it
	Name    string // the flag, without its dashes
	Env     string // the environment variable; empty for what is a flag only
	Value   string // what kind of value it takes; empty for a switch
	Default string // as it would be written on the command line; empty for none
	Meaning string // one or two sentences

	secret   bool // errors do not repeat the value
	flagOnly bool // no environment variable: it says what to do this time

	set  func(string) error // checks a value and stores it
	stop error              // for --help and --version: what Parse returns instead
}

// shown is a value as errors may repeat it.
func (s Setting) shown(value string) string {
	if s.secret {
		return ""
	}
	return value
}

// variable is what the environment says, empty for nothing.
func (s Setting) variable(getenv func(string) string) string {
	if s.Env == "" {
		return ""
	}
	return getenv(s.Env)
}

// isSwitch reports whether --name alone means --name=true.
func (s Setting) isSwitch() bool { return s.Value == "" && s.stop == nil }
