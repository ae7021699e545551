package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	weborigin "hipflask/server/internal/origin"
	"hipflask/server/internal/users"
)

// into makes a Setting.set: it has a value checked by one of the functions here, whose errors say
// what would be right and leave the value out, which Error shows beside them.
func into[T any](field *T, read func(string) (T, error)) func(string) error {
	return func(v string) error {
		x, err := read(v)
		if err == nil {
			*field = x
		}
		return err
	}
}

// orOff takes "off" and 0 for none as well.
func orOff[T int | int64 | time.Duration](read func(string) (T, error)) func(string) (T, error) {
	return func(v string) (T, error) {
		if v == "off" || v == "0" {
			return 0, nil
		}
		x, err := read(v)
		return x, alternative("off or ", err)
	}
}

// orAutoOrOff takes "auto" as well.
func orAutoOrOff[T int | int64](read func(string) (T, error)) func(string) (T, error) {
	return func(v string) (T, error) {
		if v == "auto" {
			return Auto, nil
		}
		x, err := orOff(read)(v)
		return x, alternative("auto, ", err)
	}
}

// alternative adds to an error what would be right, too.
func alternative(what string, err error) error {
	if err == nil {
		return nil
	}
	return errors.New("must be " + what + strings.TrimPrefix(err.Error(), "must be "))
}

// choice takes one of these words.
func choice(words ...string) func(string) (string, error) {
	last := len(words) - 1
	wrong := errors.New("must be " + strings.Join(words[:last], ", ") + " or " + words[last])
	return func(v string) (string, error) {
		v = strings.ToLower(v)
		if !slices.Contains(words, v) {
			return "", wrong
		}
		return v, nil
	}
}

const (
	shortest = time.Millisecond // clients are told their intervals in milliseconds
	longest  = 24 * time.Hour   // JavaScript's timers overflow at 24 days, and then fire at once
	largest  = 1 << 30          // bytes

	mostMemory = 1 << 40 // bytes, of anything: a machine's memory

	longestSocketPath = 103 // macOS; Linux has 107
)

func text(v string) (string, error) { return v, nil }

func number(low, high int) func(string) (int, error) {
	return func(v string) (int, error) {
		n, err := strconv.Atoi(v)
		if err != nil || n < low || n > high {
			return 0, fmt.Errorf("must be a whole number from %d to %d", low, high)
		}
		return n, nil
	}
}

func boolean(v string) (bool, error) {
	switch strings.ToLower(v) {
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return false, errors.New("must be true or false")
}

func isBool(v string) bool {
	_, err := boolean(v)
	return err == nil
}

func duration(v string) (time.Duration, error) {
	if strings.Trim(v, "0123456789.") == "" {
		v += "s" // Flask-SocketIO counts in seconds
	}
	d, err := time.ParseDuration(v)
	if err != nil || d < shortest || d > longest {
		return 0, errors.New("must be a duration from 1ms to 24h, such as 25s, 1m30s or 0.5 for half a second")
	}
	return d, nil
}

func size(low, high int64) func(string) (int64, error) {
	return func(v string) (int64, error) {
		n, ok := parseSize(v)
		if !ok || n < low || n > high {
			return 0, fmt.Errorf("must be a number of bytes from %s to %s, such as 1000000, 64KiB or 512MiB", sizeText(low), sizeText(high))
		}
		return n, nil
	}
}

// sizeText writes a bound of a size.
func sizeText(n int64) string {
	switch {
	case n > 1<<30:
		return fmt.Sprintf("%dGiB", n>>30)
	case n >= 1<<20:
		return fmt.Sprintf("%dMiB", n>>20)
	}
	return strconv.FormatInt(n, 10)
}

func parseSize(v string) (n int64, ok bool) {
	digits := strings.TrimRight(v, "KMGBkmgbi ")
	units := map[string]int64{"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}
	unit, ok := units[strings.ToLower(strings.TrimLeft(v[len(digits):], " "))]
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || n > mostMemory/unit { // beyond any limit, and the product might overflow
		return 0, false
	}
	return n * unit, n >= 0
}

func host(v string) (string, error) {
	h := v
	if inner, ok := strings.CutPrefix(v, "["); ok && strings.HasSuffix(v, "]") {
		h = strings.TrimSuffix(inner, "]")
	}
	if _, err := netip.ParseAddr(h); err != nil && !weborigin.IsHostName(h) {
		return "", errors.New("must be an address or a host name without a port, such as 127.0.0.1, 0.0.0.0, ::1 or localhost")
	}
	return h, nil
}

const (
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits  = "0123456789"
)

// socketPath takes what every system has room for in a socket's address.
func socketPath(v string) (string, error) {
	if len(v) > longestSocketPath || strings.HasPrefix(v, "@") || strings.ContainsRune(v, 0) {
		return "", fmt.Errorf("must be a file's path of at most %d bytes that does not begin with @", longestSocketPath)
	}
	return v, nil
}

func fileMode(v string) (os.FileMode, error) {
	mode, err := strconv.ParseUint(v, 8, 32)
	if err != nil || mode > 0o777 || mode&0o600 != 0o600 {
		return 0, errors.New("must be permissions in octal that let the owner read and write, such as 0660 or 0666")
	}
	return os.FileMode(mode), nil
}

func transports(c *Config) func(string) error {
	return func(v string) error {
		c.Polling, c.WebSocket = false, false
		for name := range strings.SplitSeq(v, ",") {
			switch strings.TrimSpace(name) {
			case "polling":
				c.Polling = true
			case "websocket":
				c.WebSocket = true
			default:
				return errors.New("must be polling, websocket or polling,websocket")
			}
		}
		return nil
	}
}

func logLevel(v string) (level slog.Level, err error) {
	switch v = strings.ToLower(v); v {
	case "warning":
		v = "warn"
	case "debug", "info", "warn", "error":
	default:
		return 0, errors.New("must be debug, info, warn or error")
	}
	err = level.UnmarshalText([]byte(v))
	return level, err
}

func bcryptHash(v string) (string, error) {
	if v == "" {
		return "", nil
	}
	return v, users.CheckHash(v)
}
