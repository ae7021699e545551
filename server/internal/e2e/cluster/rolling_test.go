package cluster

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// rolling is a pair of servers behind nginx, with clients that talk all the time.
type rolling struct {
	t       *testing.T
	args    [2][]string
	servers [2]*harness.Server
	all     []*harness.Server // those of before, too
	clients *testkit.Script
	rounds  int // in which each client was heard
}

const talkers = 12

// startRolling starts the servers and the clients. url is where nginx listens.
func startRolling(t *testing.T, url, caFile string, ports [2]string, args ...string) *rolling {
	t.Helper()
	r := &rolling{t: t}
	for i, id := range []string{"a", "b"} {
		r.args[i] = []string{"--port", ports[i], "--server-id", id, "--trusted-proxies", "127.0.0.1"}
		r.args[i] = append(r.args[i], args...)
		r.start(i)
	}
	r.clients = testkit.StartScript(t, "rolling.mjs", testkit.ScriptConfig{URL: url, Client: testkit.NewestClient, Count: talkers, CAFile: caFile})
	r.awaitRound()
	return r
}

func (r *rolling) start(i int) {
	r.t.Helper()
	r.servers[i] = harness.Start(r.t, r.args[i]...)
	r.all = append(r.all, r.servers[i])
}

// awaitRound waits for the end of a round: every client has had a message acknowledged that it sent
// after the round's beginning.
func (r *rolling) awaitRound() {
	r.t.Helper()
	r.rounds++
	r.clients.Stdout.WaitFor(r.t, "return of all clients", testkit.Deadline, func(text string) bool {
		return strings.Count(text, `"event":"heard"`) == r.rounds*talkers
	})
}

// tell sends the clients a signal.
func (r *rolling) tell(signal os.Signal) {
	r.t.Helper()
	if err := r.clients.Cmd.Process.Signal(signal); err != nil {
		r.t.Fatal(err)
	}
}

// restart stops a server, as SIGTERM does, and starts another one in its place.
func (r *rolling) restart(i int) {
	r.t.Helper()
	s := r.servers[i]
	s.End()
	if connected, gone := countClients(s); connected != gone {
		r.t.Errorf("%d clients were connected and %d disconnected", connected, gone)
	}
	if _, late, is := strings.Cut(s.Stderr.String(), "not everything ended in time"); is {
		late, _, _ = strings.Cut(late, "\n")
		r.t.Error("the shutdown took too long:", late)
	}
	r.start(i)
	r.tell(syscall.SIGHUP) // nothing that is sent now can be acknowledged by that server
	r.awaitRound()
}

// countClients counts the clients that have come to a server and those that have gone.
func countClients(s *harness.Server) (connected, gone int) {
	for _, line := range s.Stdout.Lines() {
		switch line {
		case "Client connected":
			connected++
		case "Client disconnected":
			gone++
		}
	}
	return connected, gone
}

// finalReport is what a client reports in the end.
type finalReport struct {
	Who, Count        int
	Mode              string
	Reasons, Failures []string
}

// finish ends the clients and checks that all they have sent was handled, by one server or another,
// and each client's messages in their order.
func (r *rolling) finish() []finalReport {
	r.t.Helper()
	r.tell(syscall.SIGUSR2)
	var all []finalReport
	for _, report := range r.clients.Finish(r.t) {
		if report.Event == "done" {
			var f finalReport
			report.Decode(r.t, &f)
			all = append(all, f)
		}
	}
	if len(all) != talkers {
		r.t.Fatalf("%d clients have reported, want %d", len(all), talkers)
	}
	for _, s := range r.servers {
		s.End() // now all that it has handled is printed
	}
	handled := r.handled()
	total, twice := 0, 0
	for _, f := range all {
		for n := range f.Count {
			total++
			switch times := handled[f.Who][n]; {
			case times == 0:
				r.t.Errorf("client %d, %s: message %d of %d was lost", f.Who, f.Mode, n, f.Count)
			case times > 1:
				twice++
			}
		}
		if extra := len(handled[f.Who]) - f.Count; extra != 0 {
			r.t.Errorf("client %d: %d messages that it did not send", f.Who, extra)
		}
	}
	r.t.Logf("%d messages, of which %d were handled more than once", total, twice)
	return all
}

// handled says how often each message of each client was handled. Within a server a client's
// messages must stand in their order.
func (r *rolling) handled() []map[int]int {
	r.t.Helper()
	times := make([]map[int]int, talkers)
	for i := range times {
		times[i] = make(map[int]int)
	}
	said := regexp.MustCompile(`^Received message: client (\d+) message (\d+)$`)
	for _, s := range r.all {
		last := make([]int, talkers)
		for _, line := range s.Stdout.Messages() {
			m := said.FindStringSubmatch(line)
			if m == nil {
				r.t.Fatalf("printed %q", line)
			}
			who, _ := strconv.Atoi(m[1])
			n, _ := strconv.Atoi(m[2])
			if n < last[who] {
				r.t.Errorf("client %d: message %d was handled after %d", who, n, last[who])
			}
			last[who] = n
			times[who][n]++
		}
	}
	return times
}

// A rolling restart of two servers behind nginx, each restarted several times: nothing is lost of
// clients that wait for acknowledgements and repeat themselves.
func TestRollingRestart(t *testing.T) {
	testkit.NeedNode(t)
	certFile, keyFile, _ := testkit.SelfSigned(t)
	tls := fmt.Sprintf(" ssl;\nssl_certificate %s;\nssl_certificate_key %s", certFile, keyFile)
	// As OPERATIONS.md says: no client notices more than one close for a restart of its server, and
	// none fails to connect.
	smooth := func(t *testing.T, f finalReport) {
		if slices.ContainsFunc(f.Reasons, func(reason string) bool { return !testkit.IsRestart(f.Mode, reason) }) {
			t.Errorf("client %d, %s: disconnected for %q", f.Who, f.Mode, f.Reasons)
		}
		if len(f.Failures) > 0 {
			t.Errorf("client %d, %s: failed to connect: %q", f.Who, f.Mode, f.Failures)
		}
	}
	t.Run("plain", func(t *testing.T) { rollingRestart(t, 3, "", "", smooth, nil) })
	t.Run("TLS", func(t *testing.T) { rollingRestart(t, 3, tls, certFile, smooth, nil) })
	// Routed by address, clients are sent to a server that does not know them, and come again,
	// while the sessions they leave behind are waited for, here not for long; but nothing is lost.
	t.Run("by address", func(t *testing.T) {
		rollingRestart(t, 1, "", "", func(*testing.T, finalReport) {}, []string{"--shutdown-timeout", "6s"}, "http://$hipflask", "http://any",
			"upstream any { ", "upstream any { hash $remote_addr; ", "http_503", "http_503 non_idempotent")
	})
}

func rollingRestart(t *testing.T, rounds int, tls, caFile string, check func(*testing.T, finalReport), args []string, replace ...string) {
	front, ports := testkit.FreePort(t), [2]string{testkit.FreePort(t), testkit.FreePort(t)}
	replace = append(replace, "127.0.0.1:5001", "127.0.0.1:"+ports[0], "127.0.0.1:5002", "127.0.0.1:"+ports[1],
		"# listen, server_name, certificates", "listen 127.0.0.1:"+front+tls+";")
	testkit.StartNginx(t, testkit.Documented(t, "OPERATIONS.md", "### Two servers behind nginx", replace...))
	url := "http://127.0.0.1:" + front
	if caFile != "" {
		url = "https://127.0.0.1:" + front
	}
	r := startRolling(t, url, caFile, ports, args...)
	for range rounds {
		r.restart(0)
		r.restart(1)
	}
	for _, f := range r.finish() {
		check(t, f)
	}
}
