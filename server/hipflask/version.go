package hipflask

import (
	"cmp"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// gitTimeout is how long git may take to name a commit.
const gitTimeout = 2 * time.Second

// version is one line: the release, the commit, and what it was built with and for.
func version() string {
	release, commit := recorded()
	release = cmp.Or(release, "(devel)")
	if commit == "" {
		commit = checkedOut()
	}
	return fmt.Sprintf("%s (commit %s, %s, %s/%s)", release, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// build is the release and the commit, for metrics.
func build() string {
	release, commit := recorded()
	if release == "" {
		return "unknown"
	}
	return strings.TrimSpace(release + " " + commit)
}

// recorded is the release and the commit, as far as the build has recorded them.
func recorded() (release, commit string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			commit = s.Value
		}
	}
	return info.Main.Version, commit
}

// checkedOut asks git, where go run compiled this file without recording a commit. Sources that are
// not there any more, or are no checkout, have none.
func checkedOut() string {
	_, file, _, _ := runtime.Caller(0)
	if !filepath.IsAbs(file) { // compiled with -trimpath
		return "unknown"
	}
	ctx, cancel := context.WithTimeout(context.Background(), gitTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, "git", "-C", filepath.Dir(file), "rev-parse", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
