// Package machine finds out what this process may use of the machine: memory and open files. It
// only reads.
package machine

import (
	"io/fs"
	"math"
	"path"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
)

// Memory is how much memory the process may use.
type Memory struct {
	Bytes  int64  // 0: nobody knows
	Source string // what sets the limit: one of the constants below
}

// The sources of a [Memory].
const (
	Cgroup     = "cgroup"     // a container's limit, or MemoryMax= of systemd
	GoMemLimit = "GOMEMLIMIT" // the environment, or debug.SetMemoryLimit
	Hardware   = "machine"    // all there is
	Unknown    = "unknown"
)

// LookUpMemory finds the smallest of the control group's limit, Go's own and the machine's memory.
// root is the file system from its root on, as os.DirFS("/") is.
func LookUpMemory(root fs.FS) Memory {
	return smallest(root, physical(root), debug.SetMemoryLimit(-1))
}

// smallest takes 0, or math.MaxInt64, for a limit that there is not.
func smallest(root fs.FS, physical, goLimit int64) Memory {
	least := Memory{Bytes: math.MaxInt64, Source: Unknown}
	for _, m := range []Memory{{physical, Hardware}, {cgroupLimit(root), Cgroup}, {goLimit, GoMemLimit}} {
		if m.Bytes > 0 && m.Bytes < least.Bytes {
			least = m
		}
	}
	if least.Source == Unknown {
		least.Bytes = 0
	}
	return least
}

// cgroupLimit is the smallest limit of the process' control group and those above it, 0 without
// one. Version 2 has one hierarchy, which /proc/self/cgroup lists as "0::/path", version 1 one for
// memory, "4:memory:/path".
//
// In a container the path may be the host's, which is not there: then what is mounted is the
// container's own group. So what is missing is passed over, up to the mount.
func cgroupLimit(root fs.FS) int64 {
	list, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0
	}
	least := int64(math.MaxInt64)
	for line := range strings.Lines(string(list)) {
		id, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, group, _ := strings.Cut(rest, ":")
		switch {
		case id == "0" && controllers == "":
			least = min(least, leastUpwards(root, "sys/fs/cgroup", group, "memory.max"))
		case slices.Contains(strings.Split(controllers, ","), "memory"):
			least = min(least, leastUpwards(root, "sys/fs/cgroup/memory", group, "memory.limit_in_bytes"))
		}
	}
	if least == math.MaxInt64 {
		return 0
	}
	return least
}

// leastUpwards is the smallest number that files of this name hold, in the group and in each above
// it; math.MaxInt64 without any. "max" is none.
func leastUpwards(root fs.FS, mount, group, name string) int64 {
	least := int64(math.MaxInt64)
	for dir := path.Clean("/" + group); ; dir = path.Dir(dir) {
		text, err := fs.ReadFile(root, path.Join(mount, dir, name))
		if err == nil {
			if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 {
				least = min(least, n)
			}
		}
		if dir == "/" {
			return least
		}
	}
}

// memInfo is MemTotal of Linux' /proc/meminfo in bytes, 0 if it is not there.
func memInfo(root fs.FS) int64 {
	text, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == "MemTotal:" && fields[2] == "kB" {
			if kib, err := strconv.ParseInt(fields[1], 10, 64); err == nil && kib > 0 && kib <= math.MaxInt64>>10 {
				return kib << 10
			}
		}
	}
	return 0
}
