package examples

import (
	"bufio"
	"bytes"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"hipflask/testdata/testkit"
)

const (
	root = "../.." // of the repository: where the examples are started

	// browserDeadline is how long a browser may take with all applications.
	browserDeadline = 2 * time.Minute

	// startDeadline is how long an application may take to listen on a busy machine.
	startDeadline = time.Minute
)

// application is one whose page a browser tries.
type application struct {
	env  []string // beside PATH and HOME
	want string   // what its script in testdata/clients/apps reports
}

func applications() map[string]application {
	return map[string]application{
		"behind": {env: []string{"PYTHON=" + testkit.Python}, want: wantBehind},
		"lobby":  {want: wantLobby},
		"rooms":  {want: wantRooms},
	}
}

const wantBehind = `behind: signed: {"elements":0,"entries":["Ada hello","<i>Bob</i> <img src=\"x\" onerror=\"document.title='owned'\">"],"name":"Ada","path":"/"}
behind: refused: {"alert":"A name has 1 to 30 characters, a text 1 to 500.","entries":2}
behind: faults: {"faults":[]}
`

const wantLobby = `lobby: players: {"players":["Ada (you)","Bob"]}
lobby: markup: {"elements":0,"title":"Lobby"}
lobby: reloaded: {"marks":["X","X","","","O","","","",""],"seats":["X Ada","O Bob (you)"]}
lobby: left: {"games":[]}
lobby: faults: {"faults":[]}
`

const wantRooms = `rooms: sent to: {"path":"/login"}
rooms: a name that is taken: {"alert":"Somebody of that name is here already."}
rooms: people: {"people":["Ada","Bob"]}
rooms: markup: {"elements":0,"title":"Rooms"}
rooms: another room: {"bob":["Bob has come.","Ada has come.","Ada meow"]}
rooms: logged out: {"path":"/login"}
rooms: logged out in another tab: {}
rooms: faults: {"faults":[]}
`

// TestApplicationsInABrowser starts each application with its one command and has one
// browser drive them, one after another.
func TestApplicationsInABrowser(t *testing.T) {
	chromium := testkit.NeedChromium(t)
	testkit.NeedModules(t, "flask")
	drive(t, chromium, applications())
}

// drive starts applications, has one browser visit them and compares what it reports.
func drive(t *testing.T, chromium string, apps map[string]application) {
	t.Helper()
	binaries := build(t, slices.Sorted(maps.Keys(apps)))
	urls, want := make(map[string]string), make(map[string]string)
	for name, app := range apps {
		urls[name] = start(t, filepath.Join(binaries, name), app.env).url
		want[name] = app.want
	}
	compareApplications(t, map[string]any{"urls": urls, "chromium": chromium}, want)
}

// compareApplications has one browser visit applications that run, and compares what it
// reports with what is wanted of each.
func compareApplications(t *testing.T, config map[string]any, all map[string]string) {
	t.Helper()
	config["deadline"] = browserDeadline.Milliseconds()
	got := run(t, "applications.mjs", config)
	for name, want := range all {
		var seen strings.Builder
		for _, line := range got {
			if strings.HasPrefix(line, name+": ") {
				seen.WriteString(line)
			}
		}
		if seen.String() != want {
			t.Errorf("the script of %s reported\n%swant\n%s", name, &seen, want)
		}
	}
}

// build builds applications and returns the folder of their binaries: what go run does,
// but that a signal to go run does not reach the program.
func build(t *testing.T, names []string) string {
	t.Helper()
	folder := t.TempDir()
	args := []string{"build", "-o", folder + string(filepath.Separator)}
	for _, name := range names {
		args = append(args, "./handlers/examples/"+name)
	}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %v: %v\n%s", args, err, out)
	}
	return folder
}

// process is an application that runs.
type process struct {
	url    string
	cmd    *exec.Cmd
	killed bool // the test has had it killed
}

// start starts an application on a free port, and waits until it listens. It is ended
// with the test, as an operator would end it, and has to end well.
func start(t *testing.T, binary string, env []string) *process {
	t.Helper()
	cmd := exec.Command(binary, "--port", "0")
	cmd.Dir = root
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "PYTHONDONTWRITEBYTECODE=1"}, env...)
	name := filepath.Base(binary)
	stderr, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	timer := time.AfterFunc(startDeadline, func() { _ = cmd.Process.Kill() })
	lines := bufio.NewReader(stderr)
	var log bytes.Buffer
	address := regexp.MustCompile(`msg=listening url=(http://[^\s"]+)`)
	p := &process{cmd: cmd}
	for p.url == "" {
		line, err := lines.ReadString('\n')
		log.WriteString(line)
		if match := address.FindStringSubmatch(line); match != nil {
			p.url = match[1]
		}
		if err != nil {
			_ = cmd.Wait()
			t.Fatalf("%s did not start: %v\n%s", name, cmd.ProcessState, &log)
		}
	}
	timer.Stop()
	done := make(chan error, 1)
	go func() {
		_, _ = io.Copy(&log, lines)
		done <- cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		timer := time.AfterFunc(startDeadline, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
		if err := <-done; err != nil && !p.killed {
			t.Errorf("%s ended with %v", name, err)
		}
		if t.Failed() {
			t.Logf("the log of %s:\n%s", name, &log)
		}
	})
	return p
}
