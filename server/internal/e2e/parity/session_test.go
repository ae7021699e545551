package parity

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hipflask/server/hipflask"
	"hipflask/server/internal/e2e/harness"
	"hipflask/server/socketio"
	"hipflask/testdata/testkit"
)

// flaskCookie has the real Flask save a session that holds value, a Python expression.
func flaskCookie(t *testing.T, key, value string) string {
	t.Helper()
	testkit.NeedFlask(t)
	question, err := json.Marshal(map[string]any{"op": "write", "key": hex.EncodeToString([]byte(key)), "value": value})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(testkit.Python, testkit.Testdata("flask", "sessions.py"))
	cmd.Env = []string{"PATH=/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE=1"}
	cmd.Stdin, cmd.Stderr = strings.NewReader(string(question)+"\n"), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Cookie string }
	if err := json.Unmarshal(out, &answer); err != nil || answer.Cookie == "" {
		t.Fatalf("%v in %s", err, out)
	}
	return answer.Cookie
}

func withCookie(cookie string) http.Header {
	return http.Header{"Cookie": {"first=1; session=" + cookie}}
}

// joinWithCookie is a client whose page has the cookie.
func joinWithCookie(t *testing.T, addr, target, cookie string) *testkit.Client {
	t.Helper()
	conn, err := testkit.DialTCP(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	w, err := testkit.ShakeHands(conn, testkit.UpgradeRequest(addr, target, withCookie(cookie)))
	if err != nil {
		t.Fatal(err)
	}
	return &testkit.Client{WebSocket: w, T: t}
}

// tellSession prints the values of these keys when a client connects, and lets it change them.
func tellSession(keys ...string) func(*hipflask.App) error {
	return func(app *hipflask.App) error {
		tell := func(c *socketio.Context, when string) {
			line := when
			for _, key := range keys {
				v := c.Get(key)
				line += fmt.Sprintf(" %s=%T(%v)", key, v, v)
			}
			_, _ = fmt.Fprintln(app.Stdout, line)
		}
		connect := func(c *socketio.Context) error { tell(c, "connect "+c.Namespace()); return nil }
		for _, err := range []error{
			app.SocketIO.On("connect", connect),
			app.SocketIO.Of("/other").On("connect", connect),
			app.SocketIO.On("set", func(c *socketio.Context, key, value string) {
				c.Set(key, value)
				tell(c, "set")
			}),
		} {
			if err != nil {
				return err
			}
		}
		return nil
	}
}

func TestConnectHandlerGetsFlasksSession(t *testing.T) {
	cookie := flaskCookie(t, "s3cret", `{'_user_id': '7', 'name': 'Zo\xeb', 'n': 3, 'f': 2.0, 'ok': True, 'none': None, `+
		`'list': [1, 'a'], 'dict': {'k': [2]}, 'tuple': (1, 2), 'bytes': b'hi', 'markup': Markup('<b>'), `+
		`'id': uuid.UUID(int=5), 'at': datetime.datetime(2026, 11, 26, 12)}`)
	s := harness.StartApp(t, tellSession("_user_id", "name", "n", "f", "ok", "none", "list", "dict", "tuple", "bytes", "markup", "id", "at"),
		"--secret-key", "s3cret")
	const values = ` _user_id=string(7) name=string(Zoë) n=int64(3) f=float64(2) ok=bool(true) none=<nil>(<nil>) ` +
		`list=[]interface {}([1 a]) dict=map[string]interface {}(map[k:[2]]) tuple=flasksession.Tuple([1 2]) ` +
		`bytes=[]uint8([104 105]) markup=template.HTML(<b>) id=flasksession.UUID(00000000-0000-0000-0000-000000000005) ` +
		`at=time.Time(2026-11-26 12:00:00 +0000 UTC)`
	joinWithCookie(t, s.Addr, testkit.WebSocketPath, cookie).Joined()
	s.Stdout.WaitLines(t, "connect /"+values, 1)

	opened := testkit.Opening(t, s.Addr, testkit.PollingPath, withCookie(cookie))
	sid, err := testkit.OpenedSID(opened.Body)
	if err != nil {
		t.Fatal(err)
	}
	// What counts is the request that opened the connection.
	testkit.Ask(t, s.Addr, "POST", "/socket.io/?EIO=4&transport=polling&sid="+sid, withCookie("other"), "40")
	s.Stdout.WaitLines(t, "connect /"+values, 2)

	joinWithCookie(t, s.Addr, "/", cookie) // a plain WebSocket
	s.Stdout.WaitLines(t, "connect /"+values, 3)
}

// A socket's session is a copy: one for all its namespaces, and its own.
func TestSocketsSessionIsACopy(t *testing.T) {
	cookie := flaskCookie(t, "s3cret", `{'name': 'page'}`)
	s := harness.StartApp(t, tellSession("name"), "--secret-key", "s3cret")
	c := joinWithCookie(t, s.Addr, testkit.WebSocketPath, cookie).Joined()
	c.Send(`42["set","name","socket"]`)
	s.Stdout.WaitText(t, "set name=string(socket)\n")
	c.Send("40/other,")
	s.Stdout.WaitText(t, "connect /other name=string(socket)\n")
	joinWithCookie(t, s.Addr, testkit.WebSocketPath, cookie).Joined()
	s.Stdout.WaitLines(t, "connect / name=string(page)", 2)
}

func TestHardeningForgedSessionIsNone(t *testing.T) {
	good := flaskCookie(t, "s3cret", `{'name': 'mallory'}`)
	payload, rest, _ := strings.Cut(good, ".")
	forged := map[string]string{
		"other key":        flaskCookie(t, "guess", `{'name': 'mallory'}`),
		"other payload":    "eyJuYW1lIjoibWFsbG9yeSJ9x." + rest,
		"no signature":     payload + "." + strings.Split(rest, ".")[0] + ".",
		"payload alone":    payload,
		"old, unsigned":    "eyJuYW1lIjoiWm9cdTAwZWIifQ.AAAAAA.xxxxxxxxxxxxxxxxxxxxxxxxxxx",
		"not base64":       "%%%.%%%.%%%",
		"long":             strings.Repeat("A", 50<<10) + ".AAAA.AAAA",
		"quotes and signs": `"a;b,c\"`,
	}
	s := harness.StartApp(t, tellSession("name"), "--secret-key", "s3cret", "--log-level", "debug")
	n := 0
	for name, cookie := range forged {
		joinWithCookie(t, s.Addr, testkit.WebSocketPath, cookie).Joined()
		n++
		s.Stdout.WaitFor(t, name, testkit.Deadline, func(text string) bool {
			return strings.Count(text, "connect / name=<nil>(<nil>)\n") == n
		})
	}
	for _, secret := range []string{"mallory", payload, "s3cret", forged["other key"]} {
		if strings.Contains(s.Stderr.String(), secret) {
			t.Errorf("the log tells %q", secret)
		}
	}
}

func TestHardeningHugeCookieIsRefused(t *testing.T) {
	s := harness.StartApp(t, tellSession("name"), "--secret-key", "s3cret")
	got := testkit.Ask(t, s.Addr, "GET", "/socket.io/?EIO=4&transport=polling", withCookie(strings.Repeat("A", 80<<10)), "")
	if got.Status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("answered %v", got)
	}
}

func TestSecretKeysCanBeReplaced(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(file, []byte("new\nbase64:czNjcmV0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := harness.StartApp(t, tellSession("name"), "--secret-key-file", file)
	for i, key := range []string{"s3cret", "new"} {
		joinWithCookie(t, s.Addr, testkit.WebSocketPath, flaskCookie(t, key, `{'name': 'Ann'}`)).Joined()
		s.Stdout.WaitLines(t, "connect / name=string(Ann)", i+1)
	}
	if strings.Contains(s.Stderr.String(), "secret key") {
		t.Errorf("a warning without a reason:\n%s", s.Stderr)
	}
}

func TestSecretKeyThatOthersMayKnowIsWarnedOf(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(file, []byte("s3cret"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		warn string
	}{
		{[]string{"--secret-key", "s3cret"}, "setting=--secret-key "},
		{[]string{"--secret-key-file", file}, "setting=--secret-key-file "},
		{[]string{"--secret-key-file", file, "--cors-allowed-origins", "*"}, "setting=--cors-allowed-origins "},
	} {
		s := harness.StartApp(t, tellSession(), c.args...)
		warned := false
		lines := bufio.NewScanner(strings.NewReader(s.Stderr.String()))
		for lines.Scan() {
			warned = warned || strings.Contains(lines.Text(), "level=WARN") && strings.Contains(lines.Text(), c.warn)
		}
		if !warned || strings.Contains(s.Stderr.String(), "s3cret") {
			t.Errorf("%q: the log is\n%s", c.args, s.Stderr)
		}
	}
}

// A client that comes back to its session has what it was, not what its page's cookie says by then.
func TestRecoveredSessionIsTheSocketsOwn(t *testing.T) {
	s := harness.StartApp(t, tellSession("name"), "--secret-key", "s3cret", "--recovery", "1m")
	first := joinWithCookie(t, s.Addr, testkit.WebSocketPath, flaskCookie(t, "s3cret", `{'name': 'page'}`))
	open, err := first.Packet()
	first.Must(err)
	_, err = testkit.OpenedSID(open)
	first.Must(err)
	first.Send("40")
	connected, err := first.Packet()
	first.Must(err)
	var answer struct{ PID string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(connected, "40")), &answer); err != nil || answer.PID == "" {
		t.Fatalf("%v in %s", err, connected)
	}
	first.Send(`42["set","name","socket"]`)
	s.Stdout.WaitText(t, "set name=string(socket)\n")
	_ = first.Close()
	second := joinWithCookie(t, s.Addr, testkit.WebSocketPath, flaskCookie(t, "s3cret", `{'name': 'other'}`))
	_, err = second.Packet()
	second.Must(err)
	second.Send(`40{"pid":"` + answer.PID + `"}`)
	s.Stdout.WaitText(t, "connect / name=string(socket)\n")
}
