package examples

import (
	"bufio"
	"net"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"hipflask/testdata/testkit"
)

// TestApplicationsWithFlask has one browser drive the dashboard, the whiteboard, the
// application that asks a real Flask process who somebody is, and the one that a real
// Flask process emits to through a real Redis.
func TestApplicationsWithFlask(t *testing.T) {
	chromium := testkit.NeedChromium(t)
	testkit.NeedModules(t, "flask_session", "flask_socketio", "jwt", "redis")
	queue := startRedis(t)
	asked := startFlask(t, "askflask")
	emitting := startFlask(t, "flaskemits", "REDIS_URL="+queue)
	drive(t, chromium, map[string]application{
		"dashboard":  {[]string{"DASHBOARD_TOKEN=the token"}, wantDashboard},
		"whiteboard": {nil, wantWhiteboard},
		"askflask":   {[]string{"HIPFLASK_BACKEND=" + asked}, wantAskFlask},
		"flaskemits": {[]string{"HIPFLASK_BACKEND=" + emitting, "HIPFLASK_MESSAGE_QUEUE=" + queue}, wantFlaskEmits},
	})
}

const wantDashboard = `dashboard: values come: {"clients":"1","heap":true}
dashboard: announce: {"forged":401,"long":413,"status":204}
dashboard: announced: {"elements":0,"texts":["to both","<img src=x onerror=alert(1)> & <b>bold</b>"]}
dashboard: faults: {"faults":[]}
`

const wantWhiteboard = `whiteboard: a line: {"drawn":[200,30,30,255]}
whiteboard: by keyboard: {"drawn":[0,0,0,255]}
whiteboard: a picture for who comes late: {"drawn":[200,30,30,255],"same":true}
whiteboard: cleared: {"drawn":[0,0,0,0]}
whiteboard: faults: {"faults":[]}
`

const wantAskFlask = `askflask: logged in: {"cookie":"session","tells":false}
askflask: said: {"elements":0,"lines":["Ann: hello","<img src=x onerror=alert(1)>: good morning","Ann: still me"]}
askflask: logged out: {}
askflask: faults: {"faults":[]}
`

const wantFlaskEmits = `flaskemits: changed: {"customer":"in the oven","other":"ready"}
flaskemits: watches another: {}
flaskemits: faults: {"faults":[]}
`

// startFlask starts an example's Flask application on a free port and returns its address.
func startFlask(t *testing.T, example string, env ...string) string {
	t.Helper()
	cmd := exec.Command(testkit.Python, "-B", "-u", example+"/flask_app.py", "0")
	cmd.Env = append([]string{"PATH=/usr/bin:/bin", "TMPDIR=" + t.TempDir()}, env...)
	return startOther(t, cmd, regexp.MustCompile(`Running on (http://127\.0\.0\.1:\d+)`))[1]
}

// startRedis starts a Redis on a free port and returns its address. Somebody else may
// take the port first; then the test says so.
func startRedis(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		testkit.Absent(t, "needs redis-server on the PATH; on Debian: apt-get install redis-server")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	_, port, _ := strings.Cut(address, ":")
	cmd := exec.Command("redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "")
	cmd.Dir = t.TempDir()
	startOther(t, cmd, regexp.MustCompile("Ready to accept connections"))
	return "redis://" + address + "/0"
}

// startOther starts a process that ends with the test, and waits until it writes ready.
func startOther(t *testing.T, cmd *exec.Cmd, ready *regexp.Regexp) []string {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var lines []string // the goroutine's, until it has ended
	found := make(chan []string, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		waiting := true
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			lines = append(lines, scanner.Text())
			if match := ready.FindStringSubmatch(scanner.Text()); waiting && match != nil {
				waiting = false
				found <- match
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		_ = cmd.Wait() // killed, whatever else
		if t.Failed() {
			t.Logf("%v wrote\n%s", cmd.Args, strings.Join(lines, "\n"))
		}
	})
	select {
	case match := <-found:
		return match
	case <-ended:
	case <-time.After(startDeadline):
	}
	t.Fatalf("%v did not start", cmd.Args)
	return nil
}
