package systemd

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// env makes an environment of NAME, value pairs.
func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

// Sockets for nobody, or for the process that started this one, are left alone. (One for us:
// TestSystemd in server.)
func TestNoSocketForUs(t *testing.T) {
	us, parent := strconv.Itoa(os.Getpid()), strconv.Itoa(os.Getppid())
	for name, getenv := range map[string]func(string) string{
		"no systemd":        env(),
		"none":              env("LISTEN_FDS", "0", "LISTEN_PID", us),
		"another process's": env("LISTEN_FDS", "1", "LISTEN_PID", parent),
		"nobody's":          env("LISTEN_FDS", "1"),
	} {
		if l, err := Listener(getenv); l != nil || err != nil {
			t.Errorf("%s: %v, %v; want nothing", name, l, err)
		}
	}
}

func TestTwoSocketsAreRefused(t *testing.T) {
	_, err := Listener(env("LISTEN_FDS", "2", "LISTEN_PID", strconv.Itoa(os.Getpid())))
	if err == nil || !strings.Contains(err.Error(), "LISTEN_FDS") {
		t.Errorf("got %v, want an error that names LISTEN_FDS", err)
	}
}

func TestNotifyNobody(t *testing.T) {
	if err := Notify("", Ready); err != nil {
		t.Errorf("no socket was named: %v", err)
	}
	if err := Notify(filepath.Join(t.TempDir(), "none"), Ready); err == nil || !strings.Contains(err.Error(), "NOTIFY_SOCKET") {
		t.Errorf("got %v, want an error that names NOTIFY_SOCKET", err)
	}
}
