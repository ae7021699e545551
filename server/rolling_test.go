package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// rolling is a pair of servers behind nginx, with clients that talk all the time.
type rolling struct {
	t       *testing.T
	ports   [2]string
	args    [2][]string
	servers [2]*testServer
	all     []*testServer // those of before, too
	clients *node
}

const talkers = 12

// startRolling starts the servers and the clients. config makes nginx's, and url is
// where that listens.
func startRolling(t *testing.T, url string, caFile string, ports [2]string) *rolling {
	r := &rolling{t: t, ports: ports}
	for i, id := range []string{"a", "b"} {
		r.args[i] = []string{"--port", ports[i], "--server-id", id, "--trusted-proxies", "127.0.0.1"}
		r.start(i)
	}
	r.clients = startNode(t, "rolling.mjs", clientConfig{URL: url, Client: newest, Count: talkers, CAFile: caFile})
	r.settled(0)
	return r
}

func (r *rolling) start(i int) {
	r.t.Helper()
	r.servers[i] = startServer(r.t, r.args[i]...)
	r.all = append(r.all, r.servers[i])
}

// settled waits until all clients are connected and at least so many times one was
// disconnected, and until each server is talked to.
func (r *rolling) settled(disconnected int) {
	r.t.Helper()
	r.clients.stdout.waitFor(r.t, "return of all clients", patience, func(text string) bool {
		gone := strings.Count(text, `"event":"disconnected"`)
		return gone >= disconnected && strings.Count(text, `"event":"connected"`)-gone == talkers
	})
	for _, s := range r.servers {
		printed := len(s.Stdout.String())
		s.Stdout.waitFor(r.t, "messages", patience, func(text string) bool {
			return strings.Contains(text[printed:], "Received message")
		})
	}
}

// restart stops a server, as SIGTERM does, and starts another one in its place.
func (r *rolling) restart(i int) {
	r.t.Helper()
	before := strings.Count(r.clients.stdout.String(), `"event":"disconnected"`)
	s := r.servers[i]
	if err := s.stop(); err != nil {
		r.t.Errorf("run: %v", err)
	}
	r.start(i)
	r.settled(before + checkGoodbyeLines(r.t, s))
}

// checkGoodbyeLines checks that whoever was connected was disconnected, and returns
// the number of those that were there in the end.
func checkGoodbyeLines(t *testing.T, s *testServer) int {
	t.Helper()
	connected, gone := 0, 0
	for _, line := range s.Stdout.lines() {
		switch line {
		case "Client connected":
			connected++
		case "Client disconnected":
			gone++
		}
	}
	if connected != gone {
		t.Errorf("%d clients were connected and %d disconnected", connected, gone)
	}
	if strings.Contains(s.Stderr.String(), "not everything ended in time") {
		t.Error("the shutdown took too long")
	}
	return 1
}

// farewell is what a client reports in the end.
type farewell struct {
	Who, Count        int
	Mode              string
	Reasons, Failures []string
}

// finish ends the clients and checks that all they have sent was handled, by one
// server or another, each client's messages in their order.
func (r *rolling) finish() []farewell {
	r.t.Helper()
	if err := r.clients.cmd.Process.Signal(syscall.SIGUSR2); err != nil {
		r.t.Fatal(err)
	}
	var all []farewell
	for _, report := range r.clients.finish(r.t) {
		if report.Event == "done" {
			var f farewell
			report.decode(r.t, &f)
			all = append(all, f)
		}
	}
	if len(all) != talkers {
		r.t.Fatalf("%d clients have reported, want %d", len(all), talkers)
	}
	handled := make([]map[int]int, talkers) // how often each of a client's messages
	for i := range handled {
		handled[i] = make(map[int]int)
	}
	said := regexp.MustCompile(`^Received message: client (\d+) message (\d+)$`)
	for _, s := range r.all {
		last := make([]int, talkers)
		for _, line := range s.Stdout.messages() {
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
			handled[who][n]++
		}
	}
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

// A rolling restart of two servers behind nginx, each restarted twice: no message is
// lost of clients that wait for acknowledgements and repeat themselves.
func TestRollingRestart(t *testing.T) {
	needNode(t)
	certFile, keyFile, _ := selfSigned(t)
	const listen = "# listen, server_name, certificates"
	// Routed as OPERATIONS.md says, no client even notices more than one close a restart.
	for name, tls := range map[string]string{"plain": "", "TLS": fmt.Sprintf(" ssl; ssl_certificate %s; ssl_certificate_key %s", certFile, keyFile)} {
		t.Run("by session id, "+name, func(t *testing.T) {
			front := freePort(t)
			ports := [2]string{freePort(t), freePort(t)}
			startNginx(t, documented(t, "OPERATIONS.md", "### Two servers behind nginx",
				"127.0.0.1:5001", "127.0.0.1:"+ports[0], "127.0.0.1:5002", "127.0.0.1:"+ports[1],
				listen, "listen 127.0.0.1:"+front+tls+";"))
			url, ca := "http://127.0.0.1:"+front, ""
			if tls != "" {
				url, ca = "https://127.0.0.1:"+front, certFile
			}
			r := startRolling(t, url, ca, ports)
			for _, i := range []int{0, 1, 0, 1} {
				r.restart(i)
			}
			for _, f := range r.finish() {
				reasons := slices.Compact(slices.Clone(f.Reasons))
				if !slices.Equal(reasons, []string{"transport close"}) || len(f.Reasons) > 4 {
					t.Errorf("client %d, %s: disconnected for %q", f.Who, f.Mode, f.Reasons)
				}
				if len(f.Failures) > 0 {
					t.Errorf("client %d, %s: failed to connect: %q", f.Who, f.Mode, f.Failures)
				}
			}
		})
	}
}
