package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"hipflask/server/hipflask"
	"hipflask/server/internal/config"
	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

func TestMain(m *testing.M) { harness.Main(m) }

func TestHelpAndVersionGoToStdout(t *testing.T) {
	for flag, want := range map[string]string{"--help": "--cors-allowed-origins", "--version": "hipflask "} {
		var stdout, stderr bytes.Buffer
		if err := harness.Run(context.Background(), []string{flag}, harness.NoEnv, &stdout, &stderr); err != nil {
			t.Errorf("%s: %v", flag, err)
		}
		if !strings.Contains(stdout.String(), want) || stderr.Len() > 0 {
			t.Errorf("%s: stdout %q, stderr %q", flag, stdout.String(), stderr.String())
		}
	}
}

func TestExitCodes(t *testing.T) {
	_, wrong := config.Parse([]string{"--port", "no"}, harness.NoEnv)
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
	err = harness.Run(context.Background(), []string{"--port", port}, harness.NoEnv, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "--port") || hipflask.ExitCode(err) != 1 {
		t.Fatalf("got %v, want an error that names --port", err)
	}
}

func TestWrongSettingEndsTheProcess(t *testing.T) {
	cmd, stdout, stderr := harness.StartServer(t, "--ping-interval", "soon")
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
			cmd, stdout, stderr := harness.StartServer(t, "--port", "0")
			url := stderr.WaitMatch(t, regexp.MustCompile(`url=(http://\S+)`))[1] + "/socket.io/?EIO=4&transport=polling"
			sid := regexp.MustCompile(`"sid":"([^"]+)"`).FindStringSubmatch(testkit.Get(t, url))[1]
			testkit.Post(t, url+"&sid="+sid, `40`)
			if reply := testkit.Get(t, url+"&sid="+sid); !strings.HasPrefix(reply, "40{") {
				t.Fatalf("CONNECT was answered with %q", reply)
			}
			stdout.WaitLines(t, "Client connected", 1)
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if last := testkit.Get(t, url+"&sid="+sid); !strings.Contains(last, "shutting down") {
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
