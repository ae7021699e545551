package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"hipflask/handlers"
	"hipflask/server/hipflask"
	"hipflask/server/internal/config"
	"hipflask/testdata/testkit"
)

// run is the server as a program, without the process.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	return hipflask.Run(ctx, args, getenv, stdout, stderr, handlers.Register)
}

// noEnv is an environment without settings.
func noEnv(string) string { return "" }

func TestHelpAndVersionGoToStdout(t *testing.T) {
	for flag, want := range map[string]string{"--help": "--cors-allowed-origins", "--version": "hipflask "} {
		var stdout, stderr bytes.Buffer
		if err := run(context.Background(), []string{flag}, noEnv, &stdout, &stderr); err != nil {
			t.Errorf("%s: %v", flag, err)
		}
		if !strings.Contains(stdout.String(), want) || stderr.Len() > 0 {
			t.Errorf("%s: stdout %q, stderr %q", flag, stdout.String(), stderr.String())
		}
	}
}

func TestExitCodes(t *testing.T) {
	_, wrong := config.Parse([]string{"--port", "no"}, noEnv)
	for _, c := range []struct {
		err  error
		code int
	}{{nil, 0}, {wrong, 2}, {errors.New("a port that is taken"), 1}} {
		if got := hipflask.ExitCode(c.err); got != c.code {
			t.Errorf("exit code of %v: %d, want %d", c.err, got, c.code)
		}
	}
}

func TestTakenPortNamesTheSetting(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	err = run(context.Background(), []string{"--port", port}, noEnv, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "--port") || hipflask.ExitCode(err) != 1 {
		t.Fatalf("got %v, want an error that names --port", err)
	}
}

// program builds the server as a program and starts it.
func program(t *testing.T, args ...string) (cmd *exec.Cmd, stdout, stderr *testkit.Output) {
	t.Helper()
	return startProgram(t, build(t), args...)
}

// startProgram starts a program, which ends with the test.
func startProgram(t *testing.T, path string, args ...string) (cmd *exec.Cmd, stdout, stderr *testkit.Output) {
	t.Helper()
	cmd, stdout, stderr = prepare(t, path, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, stdout, stderr
}

// build makes the server a program.
func build(t testing.TB) (binary string) {
	t.Helper()
	binary = filepath.Join(t.TempDir(), "hipflask")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "hipflask/server").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// prepare makes a program that is ended with the test, or at nodeDeadline.
func prepare(t *testing.T, path string, args ...string) (cmd *exec.Cmd, stdout, stderr *testkit.Output) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.ScriptDeadline)
	t.Cleanup(cancel)
	cmd = exec.CommandContext(ctx, path, args...)
	stdout, stderr = testkit.NewOutput(), testkit.NewOutput()
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return cmd, stdout, stderr
}

func TestWrongSettingEndsTheProcess(t *testing.T) {
	cmd, stdout, stderr := program(t, "--ping-interval", "soon")
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 2 {
		t.Errorf("ended with %v, want exit code 2", err)
	}
	if lines := stderr.Lines(); len(lines) != 1 || !strings.Contains(lines[0], "--ping-interval") || !strings.Contains(lines[0], "soon") {
		t.Errorf("stderr: %q, want one line that names the setting and the value", stderr.String())
	}
	if stdout.String() != "" {
		t.Errorf("stdout: %q", stdout.String())
	}
}

func TestSignalsEndTheProcessOrderly(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no SIGTERM to send to another process")
	}
	for _, signal := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			cmd, stdout, stderr := program(t, "--port", "0")
			url := stderr.WaitMatch(t, regexp.MustCompile(`url=(http://\S+)`))[1] + "/socket.io/?EIO=4&transport=polling"
			sid := regexp.MustCompile(`"sid":"([^"]+)"`).FindStringSubmatch(get(t, url))[1]
			post(t, url+"&sid="+sid, `40`)
			if reply := get(t, url+"&sid="+sid); !strings.HasPrefix(reply, "40{") {
				t.Fatalf("CONNECT was answered with %q", reply)
			}
			stdout.WaitLines(t, "Client connected", 1)
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if last := get(t, url+"&sid="+sid); !strings.Contains(last, "shutting down") {
				t.Errorf("the last poll got %q, want to hear of the end", last)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("ended with %v, want exit code 0", err)
			}
			if want := "Client connected\nClient disconnected\n"; stdout.String() != want {
				t.Errorf("stdout: %q, want %q", stdout.String(), want)
			}
		})
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	return body(t, resp, err)
}

func post(t *testing.T, url, payload string) {
	t.Helper()
	resp, err := http.Post(url, "text/plain;charset=UTF-8", strings.NewReader(payload))
	if got := body(t, resp, err); got != "ok" {
		t.Fatalf("POST %s: %q", payload, got)
	}
}

func body(t *testing.T, resp *http.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
