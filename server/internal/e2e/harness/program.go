package harness

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"hipflask/handlers"
	"hipflask/server/hipflask"
	"hipflask/testdata/testkit"
)

// Run runs the server as its program does, in this process, until ctx is over.
func Run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	return hipflask.Run(ctx, args, getenv, stdout, stderr, handlers.Register)
}

// NoEnv is an environment without settings.
func NoEnv(string) string { return "" }

// StartServer builds the server as a program and starts it.
func StartServer(t *testing.T, args ...string) (cmd *exec.Cmd, stdout, stderr *testkit.Output) {
	t.Helper()
	return StartProgram(t, Build(t), args...)
}

// StartProgram starts a program, which ends with the test.
func StartProgram(t *testing.T, path string, args ...string) (cmd *exec.Cmd, stdout, stderr *testkit.Output) {
	t.Helper()
	cmd, stdout, stderr = PrepareProgram(t, path, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, stdout, stderr
}

// program is the server as a program, which all tests of this process share: linking it takes
// seconds. Main removes it.
var program struct {
	sync.Mutex

	dir  string // of Main's
	path string // once it is built
}

// Main runs the tests of a package that calls Build. Its TestMain calls this and nothing else.
func Main(m *testing.M) {
	os.Exit(runIn(m))
}

func runIn(m *testing.M) int {
	dir, err := os.MkdirTemp("", "hipflask-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program.dir = dir
	return m.Run()
}

// Build makes the server a program, once for all tests of a package, and returns its path.
func Build(t testing.TB) (path string) {
	t.Helper()
	program.Lock()
	defer program.Unlock()
	if program.dir == "" {
		t.Fatal("the package's TestMain does not call harness.Main")
	}
	if program.path == "" {
		path := filepath.Join(program.dir, "hipflask")
		if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", path, "hipflask/server").CombinedOutput(); err != nil {
			t.Fatalf("go build: %v\n%s", err, out)
		}
		program.path = path
	}
	return program.path
}

// PrepareProgram makes a program ready to start. It is ended with the test, or at
// testkit.ScriptDeadline.
func PrepareProgram(t *testing.T, path string, args ...string) (cmd *exec.Cmd, stdout, stderr *testkit.Output) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.ScriptDeadline)
	t.Cleanup(cancel)
	cmd = exec.CommandContext(ctx, path, args...)
	stdout, stderr = testkit.NewOutput(), testkit.NewOutput()
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return cmd, stdout, stderr
}
