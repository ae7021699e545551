package machine

import (
	"io/fs"
	"math"
	"os"
	"runtime"
	"testing"
	"testing/fstest"
)

func files(pairs ...string) fstest.MapFS {
	m := make(fstest.MapFS)
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return m
}

func TestCgroupLimit(t *testing.T) {
	const v1List = "5:devices:/\n4:memory:/system/web\n0::/system/web\n"
	for name, test := range map[string]struct {
		root fs.FS
		want int64
	}{
		"no Linux":               {files(), 0},
		"version 2, no limit":    {files("proc/self/cgroup", "0::/\n", "sys/fs/cgroup/memory.max", "max\n"), 0},
		"version 2, a container": {files("proc/self/cgroup", "0::/\n", "sys/fs/cgroup/memory.max", "536870912\n"), 512 << 20},
		"version 2, a unit":      {files("proc/self/cgroup", "0::/a.slice/b\n", "sys/fs/cgroup/a.slice/b/memory.max", "1000\n"), 1000},
		"version 2, a limit above": {files("proc/self/cgroup", "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max", "2000\n",
			"sys/fs/cgroup/a/memory.max", "1000\n"), 1000},
		"version 2, the host's path":     {files("proc/self/cgroup", "0::/docker/1234\n", "sys/fs/cgroup/memory.max", "3000\n"), 3000},
		"version 2, beneath a namespace": {files("proc/self/cgroup", "0::/../x\n", "sys/fs/cgroup/memory.max", "3000\n"), 3000},
		"version 1, no limit": {files("proc/self/cgroup", v1List,
			"sys/fs/cgroup/memory/system/web/memory.limit_in_bytes", "9223372036854771712\n"), 9223372036854771712},
		"version 1": {files("proc/self/cgroup", v1List, "sys/fs/cgroup/memory/system/web/memory.limit_in_bytes", "4096\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"), 4096},
		"version 1, two controllers": {files("proc/self/cgroup", "4:cpu,memory:/\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes", "4096\n"), 4096},
		"nonsense": {files("proc/self/cgroup", "\n:\n0::\n4:memory\n", "sys/fs/cgroup/memory.max", "lots",
			"sys/fs/cgroup/memory/memory.limit_in_bytes", "-1"), 0},
	} {
		if got := cgroupLimit(test.root); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

func TestMemInfo(t *testing.T) {
	for text, want := range map[string]int64{
		"MemTotal:       16384 kB\nMemFree: 1 kB\n": 16 << 20,
		"MemFree: 1 kB\n":                    0,
		"MemTotal: x kB\n":                   0,
		"MemTotal: 9223372036854775807 kB\n": 0,
	} {
		if got := memInfo(files("proc/meminfo", text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func TestSmallest(t *testing.T) {
	group := files("proc/self/cgroup", "0::/\n", "sys/fs/cgroup/memory.max", "1000\n")
	for _, test := range []struct {
		root              fs.FS
		physical, goLimit int64
		want              Memory
	}{
		{group, 2000, math.MaxInt64, Memory{1000, Cgroup}},
		{group, 500, math.MaxInt64, Memory{500, Hardware}},
		{group, 2000, 100, Memory{100, GoMemLimit}},
		{files(), 2000, math.MaxInt64, Memory{2000, Hardware}},
		{files(), 0, math.MaxInt64, Memory{0, Unknown}},
	} {
		if got := smallest(test.root, test.physical, test.goLimit); got != test.want {
			t.Errorf("%d, %d: %v, want %v", test.physical, test.goLimit, got, test.want)
		}
	}
}

// This machine has memory, and on Unix a limit on files or none.
func TestThisMachine(t *testing.T) {
	m := LookUpMemory(os.DirFS("/"))
	switch runtime.GOOS {
	case "linux", "darwin", "windows":
		if m.Bytes < 16<<20 || m.Source == Unknown {
			t.Errorf("memory: %+v", m)
		}
	}
	if Files() < 0 {
		t.Errorf("files: %d", Files())
	}
}
