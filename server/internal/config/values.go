package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	weborigin "hipflask/server/internal/origin"
	"hipflask/server/internal/users"
)

// Each function here makes a Setting.set: it checks a value and stores it in the field it was given.
// Their errors say what would be right and leave the value out, which Error shows beside them.

const (
	shortest = time.Millisecond // clients are told their intervals in milliseconds
	longest  = 24 * time.Hour   // JavaScript's timers overflow at 24 days, and then fire at once
	largest  = 1 << 30          // bytes

	mostMemory = 1 << 40 // bytes, of anything: a machine's memory

	longestSocketPath = 103 // macOS; Linux has 107
)

func text(field *string) func(string) error {
	return func(v string) error {
		*field = v
		return nil
	}
}

func number(field *int, low, high int) func(string) error {
	return func(v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < low || n > high {
			return fmt.Errorf("must be a whole number from %d to %d", low, high)
		}
		*field = n
		return nil
	}
}

func boolean(field *bool) func(string) error {
	return func(v string) error {
		b, ok := parseBool(v)
		if !ok {
			return errors.New("must be true or false")
		}
		*field = b
		return nil
	}
}

func isBool(v string) bool {
	_, ok := parseBool(v)
	return ok
}

func parseBool(v string) (value, ok bool) {
	switch strings.ToLower(v) {
	case "true", "yes", "on", "1":
		return true, true
	case "false", "no", "off", "0":
		return false, true
	}
	return false, false
}

func duration(field *time.Duration) func(string) error {
	return func(v string) error {
		if strings.Trim(v, "0123456789.") == "" {
			v += "s" // Flask-SocketIO counts in seconds
		}
		d, err := time.ParseDuration(v)
		if err != nil || d < shortest || d > longest {
			return errors.New("must be a duration from 1ms to 24h, such as 25s, 1m30s or 0.5 for half a second")
		}
		*field = d
		return nil
	}
}

// durationOrOff takes "off" and 0 for none.
func durationOrOff(field *time.Duration) func(string) error {
	return func(v string) error {
		if v == "off" || v == "0" {
			*field = 0
			return nil
		}
		return duration(field)(v)
	}
}

func size(field *int64, low int64) func(string) error {
	return func(v string) error {
		n, ok := parseSize(v)
		if !ok || n < low || n > largest {
			return fmt.Errorf("must be a number of bytes from %d to 1024MiB, such as 1000000, 1MB or 64KiB", low)
		}
		*field = n
		return nil
	}
}

func parseSize(v string) (int64, bool) {
	digits := strings.TrimRight(v, "KMGBkmgbi ")
	unit := int64(1)
	switch strings.ToLower(strings.TrimLeft(v[len(digits):], " ")) {
	case "", "b":
	case "kb":
		unit = 1000
	case "mb":
		unit = 1000 * 1000
	case "kib":
		unit = 1 << 10
	case "mib":
		unit = 1 << 20
	case "gb":
		unit = 1000 * 1000 * 1000
	case "gib":
		unit = 1 << 30
	default:
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n > mostMemory || n > mostMemory/unit { // beyond any limit, and the product might overflow
		return 0, false
	}
	return n * unit, n >= 0
}

func host(field *string) func(string) error {
	return func(v string) error {
		h := v
		if strings.HasPrefix(h, "[") && strings.HasSuffix(h, "]") {
			h = h[1 : len(h)-1]
		}
		if _, err := netip.ParseAddr(h); err != nil && !weborigin.IsHostName(h) {
			return errors.New("must be an address or a host name without a port, such as 127.0.0.1, 0.0.0.0, ::1 or localhost")
		}
		*field = h
		return nil
	}
}

const (
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits  = "0123456789"
)

// socketPath takes what every system has room for in a socket's address.
func socketPath(field *string) func(string) error {
	return func(v string) error {
		if len(v) > longestSocketPath || strings.HasPrefix(v, "@") || strings.ContainsRune(v, 0) {
			return fmt.Errorf("must be a file's path of at most %d bytes that does not begin with @", longestSocketPath)
		}
		*field = v
		return nil
	}
}

func fileMode(field *os.FileMode) func(string) error {
	return func(v string) error {
		mode, err := strconv.ParseUint(v, 8, 32)
		if err != nil || mode > 0o777 || mode&0o600 != 0o600 {
			return errors.New("must be permissions in octal that let the owner read and write, such as 0660 or 0666")
		}
		*field = os.FileMode(mode)
		return nil
	}
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

func logLevel(field *slog.Level) func(string) error {
	return func(v string) error {
		switch strings.ToLower(v) {
		case "debug":
			*field = slog.LevelDebug
		case "info":
			*field = slog.LevelInfo
		case "warn", "warning":
			*field = slog.LevelWarn
		case "error":
			*field = slog.LevelError
		default:
			return errors.New("must be debug, info, warn or error")
		}
		return nil
	}
}

func bcryptHash(field *string) func(string) error {
	return func(v string) error {
		*field = v
		if v == "" {
			return nil
		}
		return users.CheckHash(v)
	}
}

func adminMode(field *string) func(string) error {
	return func(v string) error {
		v = strings.ToLower(v)
		if v != AdminProduction && v != AdminDevelopment {
			return errors.New("must be production or development")
		}
		*field = v
		return nil
	}
}

func logFormat(field *string) func(string) error {
	return func(v string) error {
		v = strings.ToLower(v)
		if v != LogText && v != LogJSON {
			return errors.New("must be text or json")
		}
		*field = v
		return nil
	}
}
