//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// machine is where and with what a run was made.
type machine struct {
	CPU      string
	Cores    int
	Memory   float64 // GB
	Kernel   string
	Commit   string
	Go       string
	Bun      string
	Engine   string // @socket.io/bun-engine
	Node     string
	SocketIO string
	Python   string // and its packages
}

func (m machine) String() string {
	return fmt.Sprintf("%s, %d CPUs, %.0f GB, Linux %s. Hipflask %s; %s; Bun %s with bun-engine %s; Node.js %s with socket.io %s; %s",
		m.CPU, m.Cores, m.Memory, m.Kernel, m.Commit, m.Go, m.Bun, m.Engine, m.Node, m.SocketIO, m.Python)
}

const versionsOfPython = `
import sys
from importlib.metadata import version
print('Python', sys.version.split()[0], 'with', ', '.join(
    f'{p} {version(p)}' for p in ('Flask-SocketIO', 'python-socketio', 'python-engineio', 'eventlet', 'uvicorn', 'websockets', 'uvloop')))`

// describe finds out about the machine, and fails if a server is not there.
func describe(ctx context.Context, scripts, python, bun string) (m machine, err error) {
	m = machine{Cores: runtime.NumCPU(), Go: runtime.Version(), CPU: field("/proc/cpuinfo", "model name"),
		Kernel: strings.TrimSpace(content("/proc/sys/kernel/osrelease")), Commit: "of an unknown commit"}
	var kb float64
	if _, err := fmt.Sscan(field("/proc/meminfo", "MemTotal"), &kb); err == nil {
		m.Memory = kb / 1e6
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if commit, err := output(ctx, "git", "-C", scripts, "rev-parse", "--short=10", "HEAD"); err == nil {
		m.Commit = commit
		// The result of an earlier run is no change.
		changes, err := output(ctx, "git", "-C", scripts, "status", "--porcelain", "--untracked-files=no", "--", ":/", ":(exclude)result.*")
		if err != nil || changes != "" {
			m.Commit += " with changes"
		}
	}
	if m.Node, err = output(ctx, "node", "--version"); err != nil {
		return m, err
	}
	if m.Bun, err = output(ctx, bun, "--version"); err != nil {
		return m, err
	}
	if m.SocketIO, err = versionOf(scripts, "socket.io"); err != nil {
		return m, err
	}
	if m.Engine, err = versionOf(scripts, "@socket.io/bun-engine"); err != nil {
		return m, err
	}
	m.Python, err = output(ctx, python, "-c", versionsOfPython)
	return m, err
}

// versionOf is the version of an npm package.
func versionOf(scripts, name string) (string, error) {
	p, err := os.ReadFile(filepath.Join(scripts, "node_modules", name, "package.json"))
	if err != nil {
		return "", fmt.Errorf("run npm ci first: %w", err)
	}
	var about struct{ Version string }
	if err := json.Unmarshal(p, &about); err != nil {
		return "", fmt.Errorf("%s's package.json: %w", name, err)
	}
	return about.Version, nil
}

func output(ctx context.Context, command ...string) (string, error) {
	out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", command[0], err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// content is what is in a file, empty if it cannot be read.
func content(path string) string {
	p, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(p)
}

// field is the first value with that name in a file of names and values.
func field(path, name string) string {
	for line := range strings.Lines(content(path)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
