package config

import "fmt"

// Parse reads args (without the program's name) and, for what no flag sets, the environment; an
// empty variable counts as not set. defaults, written as args are, stand in the place of the
// settings' own. The first fault is returned as an *Error; --help and --version give ErrHelp and
// ErrVersion.
// With TLS, the certificate and the key are read and matched against each other.
func Parse(args []string, getenv func(string) string, defaults ...string) (*Config, error) {
	c := new(Config)
	list := settings(c)
	flags, err := readFlags(list, args)
	if err != nil {
		return nil, err
	}
	others, err := readFlags(list, defaults)
	if err != nil {
		return nil, fmt.Errorf("the program's defaults: %w", err)
	}
	return c.take(list, func(s Setting) origin {
		if v, ok := flags[s.Name]; ok {
			return origin{"--" + s.Name, v}
		} else if v := s.variable(getenv); v != "" {
			return origin{s.Env, v}
		} else if v, ok := others[s.Name]; ok {
			return origin{"default", v}
		}
		return origin{"default", s.Default}
	})
}

// Of takes values by their settings' names, as they would be written on the command line, and the
// defaults for the others. The environment is not read. Errors, of the type *Error, blame a value
// under the name that source gives it.
func Of(values map[string]string, source func(name string) string) (*Config, error) {
	c := new(Config)
	return c.take(settings(c), func(s Setting) origin {
		if v, ok := values[s.Name]; ok {
			return origin{source(s.Name), v}
		}
		return origin{"default", s.Default}
	})
}

// take checks and stores the value that each setting of the list has, and returns c.
func (c *Config) take(list []Setting, value func(Setting) origin) (*Config, error) {
	given := make(origins)
	for _, s := range list {
		if s.set == nil {
			continue
		}
		v := value(s)
		if err := s.set(v.value); err != nil {
			return nil, &Error{Source: v.source, Value: s.shown(v.value), Problem: err.Error()}
		}
		given[s.Name] = origin{v.source, s.shown(v.value)}
	}
	c.given = given
	for _, check := range []func(*Config, origins) error{
		checkTogether, checkCluster, checkAdmin, checkSecretKey, checkBackend, checkKeyPair,
	} {
		if err := check(c, given); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// checkTogether finds faults that no setting has by itself.
func checkTogether(c *Config, given origins) error {
	switch {
	case c.CertFile != "" && c.KeyFile == "":
		return given.fault("certfile", "--keyfile is missing: TLS needs both")
	case c.KeyFile != "" && c.CertFile == "":
		return given.fault("keyfile", "--certfile is missing: TLS needs both")
	case c.OpsPprof && c.OpsAddr == "":
		return given.fault("ops-pprof", "--ops-addr is missing: profiles are served there")
	case c.PlainWebSocketPath == c.Path || under(c.PlainWebSocketPath, c.Path):
		return given.fault("plain-websocket-path", "must be outside --path, "+c.Path)
	}
	return nil
}
