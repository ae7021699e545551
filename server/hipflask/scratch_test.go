package hipflask_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ownMain is a gin application of somebody's own with Socket.IO in it.
const ownMain = `package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/gin-gonic/gin"

	"hipflask/server/socketio"
)

func main() {
	gin.SetMode(gin.ReleaseMode)
	io := socketio.New(socketio.Options{PingTimeout: 10 * time.Second})
	if err := io.On("message", func(message socketio.Value) error { return io.Emit("message", message) }); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	r := gin.New()
	r.GET("/mine", func(c *gin.Context) { c.String(http.StatusOK, "mine") })
	r.Any("/socket.io/*any", gin.WrapH(io))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintf(os.Stderr, "http://%s\n", l.Addr())
	_ = (&http.Server{Handler: r, WriteTimeout: 3 * time.Second}).Serve(l)
}
`

// wholeMain is a main of somebody's own with all of the server.
const wholeMain = `package main

import (
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"hipflask/server/hipflask"
	"hipflask/server/socketio"
)

func main() { hipflask.Main(register) }

func register(app *hipflask.App) error {
	app.Router.GET("/mine", func(c *gin.Context) { c.String(http.StatusOK, "mine") })
	return app.SocketIO.On("message", func(message socketio.Value) error {
		fmt.Fprintln(app.Stdout, "Received message:", message)
		return app.SocketIO.Emit("message", message)
	})
}
`

// A module of somebody's own builds with this one, runs, and has the examples of go doc compile.
func TestAnotherModule(t *testing.T) {
	dir := scratch(t)
	bin := filepath.Join(dir, "bin")
	goTool(t, dir, "build", "-o", bin+"/", "./own", "./whole")
	goTool(t, dir, "vet", "./examples/...")

	for _, name := range []string{"own", "whole"} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(filepath.Join(bin, name), args(name)...)
			stderr, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = cmd.Process.Kill() }()
			url := address(t, stderr)
			for path, want := range map[string]string{
				"/mine": "mine", "/socket.io/?EIO=9&transport=polling": `{"code":5`, "/socket.io/socket.io.min.js": "/*!",
			} {
				resp, err := http.Get(url + path)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if err != nil || !strings.HasPrefix(string(body), want) {
					t.Errorf("%s: %d %.60q %v", path, resp.StatusCode, body, err)
				}
			}
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			go func() { _, _ = io.Copy(io.Discard, stderr) }()
			if err := cmd.Wait(); name == "whole" && err != nil {
				t.Errorf("ended with %v", err)
			}
		})
	}
	var exit *exec.ExitError
	if err := exec.Command(filepath.Join(bin, "whole"), "--check", "--ping-timeout", "never").Run(); !errors.As(err, &exit) || exit.ExitCode() != 2 {
		t.Errorf("a wrong setting ends with %v, want exit code 2", err)
	}
}

func args(name string) []string {
	if name == "whole" {
		return []string{"--port=0"}
	}
	return nil
}

// address waits for the line with the address.
func address(t *testing.T, log io.Reader) string {
	t.Helper()
	re := regexp.MustCompile(`http://[^"\s]+`)
	for s := bufio.NewScanner(log); s.Scan(); {
		if url := re.FindString(s.Text()); url != "" {
			return url
		}
	}
	t.Fatal("the program ended without an address")
	return ""
}

// scratch makes a module that requires what this one does.
func scratch(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	mod, sum := read(t, root, "go.mod"), read(t, root, "go.sum")
	mod = strings.Replace(mod, "module hipflask\n", "module scratch\n\nrequire hipflask v0.0.0\n\nreplace hipflask => "+root+"\n", 1)
	files := map[string]string{"go.mod": mod, "go.sum": sum, "own/main.go": ownMain, "whole/main.go": wholeMain}
	for _, of := range []string{"server/hipflask", "server/socketio"} {
		examples, err := filepath.Glob(filepath.Join(root, of, "example*_test.go"))
		if err != nil || len(examples) == 0 {
			t.Fatalf("no examples in %s: %v", of, err)
		}
		for _, path := range examples {
			files[filepath.Join("examples", filepath.Base(of), filepath.Base(path))] = read(t, path)
		}
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// goTool runs go in the scratch module.
func goTool(t *testing.T, dir string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
