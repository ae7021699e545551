package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The settings of Flask's session, which socket handlers and routes read.

const (
	maxKeys         = 16
	longestLifetime = 3650 * day
	day             = 24 * time.Hour
)

func flaskSession(c *Config) []Setting {
	return []Setting{
		{Name: "secret-key", Value: "TEXT", secret: true, set: into(&c.SecretKeys, secretKey),
			Meaning: "Flask's SECRET_KEY: with it the values of Flask's session cookie are what handlers get. " +
				"Better as the variable, since whoever may list processes sees flags."},
		{Name: "secret-key-file", Value: "FILE", set: into(&c.SecretKeyFile, text),
			Meaning: "File with such keys instead, one a line: the first signs, and all are accepted, as Flask's SECRET_KEY_FALLBACKS are. " +
				"base64: stands before a key that is bytes."},
		{Name: "session-cookie-name", Value: "NAME", Default: "session", set: into(&c.SessionCookieName, sessionCookieName),
			Meaning: "Name of that cookie: Flask's SESSION_COOKIE_NAME."},
		{Name: "session-lifetime", Value: "DURATION", Default: "31d", set: into(&c.SessionLifetime, lifetime),
			Meaning: "Time for which it is accepted: Flask's PERMANENT_SESSION_LIFETIME. Days may be written, as in 31d."},
	}
}

func secretKey(v string) ([][]byte, error) {
	if v == "" {
		return nil, nil
	}
	return [][]byte{[]byte(v)}, nil
}

// readKeys reads the keys of a file. Its errors tell the line, and nothing of what stands there.
func readKeys(name string) ([][]byte, error) {
	data, err := ReadPEM(name)
	if err != nil {
		return nil, err
	}
	text := strings.TrimSuffix(string(data), "\n")
	if strings.TrimSuffix(text, "\r") == "" {
		return nil, errors.New("holds no key")
	}
	var keys [][]byte
	for line := range strings.SplitSeq(text, "\n") {
		key, err := parseKey(strings.TrimSuffix(line, "\r"))
		if err != nil {
			return nil, fmt.Errorf("line %d %w", len(keys)+1, err)
		}
		keys = append(keys, key)
	}
	if len(keys) > maxKeys {
		return nil, fmt.Errorf("holds more than %d keys", maxKeys)
	}
	return keys, nil
}

func parseKey(line string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(line, "base64:")
	if !ok {
		if line == "" {
			return nil, errors.New("is empty, and must be a key")
		}
		return []byte(line), nil
	}
	plain := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(encoded, "="))
	key, err := base64.RawStdEncoding.DecodeString(plain)
	if err != nil {
		return nil, errors.New("has base64: before what is not base64")
	}
	if len(key) == 0 {
		return nil, errors.New("is a key of no length")
	}
	return key, nil
}

// checkSecretKey reads the keys where they stand in a file.
func checkSecretKey(c *Config, given origins) error {
	source := given["secret-key"].source
	if source == "default" && c.SecretKeyFile != "" {
		c.SecretKeys = nil // a program's own default
	}
	switch {
	case c.SecretKeys == nil && source != "default":
		return &Error{Source: source, Problem: "must not be empty"}
	case c.SecretKeys != nil && c.SecretKeyFile != "":
		return given.fault("secret-key-file", "stands together with --secret-key: one of them has to go")
	case c.SecretKeyFile != "":
		keys, err := readKeys(c.SecretKeyFile)
		if err != nil {
			return given.fault("secret-key-file", err.Error())
		}
		c.SecretKeys = keys
		return nil
	}
	c.SecretKeyVisible = c.SecretKeys != nil && strings.HasPrefix(source, "--")
	return nil
}

func sessionCookieName(v string) (string, error) {
	if v == "" || strings.Trim(v, letters+digits+"!#$%&'*+-.^_`|~") != "" { // a token of RFC 9110, 5.6.2
		return "", errors.New("must be a cookie's name, such as session: letters, digits and - _ . only")
	}
	return v, nil
}

// lifetime takes days before what other durations are.
func lifetime(v string) (time.Duration, error) {
	wrong := errors.New("must be a duration from 1s to 3650d, such as 31d, 1d12h or 30m")
	var total time.Duration
	days, rest, inDays := strings.Cut(v, "d")
	if inDays {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return 0, wrong
		}
		total = time.Duration(n) * day
	} else {
		rest = v
	}
	if rest != "" || !inDays {
		if strings.Trim(rest, "0123456789.") == "" {
			rest += "s" // Flask's configuration counts in seconds
		}
		more, err := time.ParseDuration(rest)
		if err != nil || more < 0 || more > longestLifetime {
			return 0, wrong
		}
		total += more
	}
	if total < time.Second || total > longestLifetime {
		return 0, wrong
	}
	return total, nil
}
