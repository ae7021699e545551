package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"hipflask/internal/testkit"
	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/e2e/harness"
)

// scalingBlock returns the n-th nginx block of SCALING.md, for these servers.
func scalingBlock(t *testing.T, n int, listen string, servers ...*harness.Server) string {
	t.Helper()
	page, err := os.ReadFile("SCALING.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```nginx\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) <= n {
		t.Fatalf("SCALING.md has %d nginx blocks", len(blocks))
	}
	block := strings.Replace(blocks[n][1], "listen 8000;", "listen "+listen+";", 1)
	for i, s := range servers {
		block = strings.Replace(block, fmt.Sprintf("127.0.0.1:%d;", 5000+i), s.Addr+";", 1)
	}
	return block
}

// startScalingNginx runs nginx with a block, which names the address to listen on, and
// returns the address.
func startScalingNginx(t *testing.T, block func(listen string) string) string {
	t.Helper()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		nginx = "/usr/sbin/nginx"
	}
	if _, err := os.Stat(nginx); err != nil {
		testkit.Absent(t, "needs nginx; on Debian: apt-get install nginx")
	}
	// Somebody else may take the port before nginx does.
	for try := 0; ; try++ {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := l.Addr().String()
		_ = l.Close()
		if runNginx(t, nginx, addr, block(addr)) {
			return addr
		}
		if try == 5 {
			t.Fatal("nginx did not start")
		}
	}
}

// runNginx reports whether nginx listens.
func runNginx(t *testing.T, nginx, addr, block string) bool {
	t.Helper()
	dir := t.TempDir()
	config := "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n"
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		config += kind + "_temp_path " + filepath.Join(dir, kind) + ";\n"
	}
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(config+block+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(nginx, "-p", dir, "-c", file)
	log := testkit.NewOutput()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // killed, or the port is taken
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("nginx:\n%s", testkit.Tail(log.String()))
		}
	})
	for end := time.Now().Add(testkit.Patience); time.Now().Before(end); {
		select {
		case <-ended:
			t.Log(log.String())
			return false
		default:
		}
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close()
			return true
		}
		time.Sleep(10 * time.Millisecond) // nginx tells nobody
	}
	return false
}

// connections waits until the handlers of two servers have seen n connections, and counts
// each one's.
func connections(t *testing.T, n int, a, b *harness.Server) (ofA, ofB int) {
	t.Helper()
	timeout := time.NewTimer(testkit.Patience)
	defer timeout.Stop()
	for {
		textA, _, changedA := a.Stdout.State()
		textB, _, changedB := b.Stdout.State()
		ofA, ofB = strings.Count(textA, "Client connected\n"), strings.Count(textB, "Client connected\n")
		if ofA+ofB >= n {
			return ofA, ofB
		}
		select {
		case <-changedA:
		case <-changedB:
		case <-timeout.C:
			t.Fatalf("one server has printed %d connections and the other %d, of %d", ofA, ofB, n)
		}
	}
}

// chatThrough has clients behind a proxy all hear what each of them says.
func chatThrough(t *testing.T, clients []*loadClient) {
	t.Helper()
	for i, c := range clients {
		said := testkit.Message(fmt.Sprint("from ", i))
		if err := c.send(said); err != nil {
			t.Fatal(err)
		}
		for j, hearer := range clients {
			if got, err := hearer.next(); err != nil || got != said {
				t.Fatalf("client %d heard %.200q, %v; want %s", j, got, err, said)
			}
		}
	}
}

// TestClusterStickyByCookie polls two servers through the nginx block of the page.
func TestClusterStickyByCookie(t *testing.T) {
	redis := redistest.Start(t)
	a, b := harness.StartMember(t, redis), harness.StartMember(t, redis)
	addr := startScalingNginx(t, func(listen string) string { return scalingBlock(t, 0, listen, a, b) })
	var clients []*loadClient
	for ofA, ofB := 0, 0; len(clients) < 12 || ofA == 0 || ofB == 0; ofA, ofB = connections(t, len(clients), a, b) {
		if len(clients) == 60 {
			t.Fatalf("nginx has sent %d clients to one server and %d to the other", ofA, ofB)
		}
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		h := loadHTTP(t)
		h.Jar = jar
		c, err := loadJoin(addr, 4, "polling", h)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.leave() }) // or the servers would wait for it to poll
		clients = append(clients, c)
	}
	chatThrough(t, clients)
}

// TestClusterStickyByAddress does it for clients without cookies.
func TestClusterStickyByAddress(t *testing.T) {
	redis := redistest.Start(t)
	a, b := harness.StartMember(t, redis), harness.StartMember(t, redis)
	addr := startScalingNginx(t, func(listen string) string {
		return strings.Replace(scalingBlock(t, 0, listen, a, b), "hash $hipflask_route consistent;", "hash $remote_addr consistent;", 1)
	})
	var clients []*loadClient
	for range 5 {
		c, err := loadJoin(addr, 4, "polling", loadHTTP(t))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.leave() })
		clients = append(clients, c)
	}
	chatThrough(t, clients)
}

// TestClusterWithoutSticking: WebSockets may go anywhere; polling may not, which is
// what the tests above would not notice if nginx had but one server.
func TestClusterWithoutSticking(t *testing.T) {
	redis := redistest.Start(t)
	a, b := harness.StartMember(t, redis), harness.StartMember(t, redis)
	addr := startScalingNginx(t, func(listen string) string { return scalingBlock(t, 1, listen, a, b) })
	var clients []*loadClient
	for range 8 {
		c, err := loadJoin(addr, 4, "websocket", nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.cut)
		clients = append(clients, c)
	}
	for _, s := range []*harness.Server{a, b} {
		s.Stdout.WaitLines(t, "Client connected", 4)
	}
	chatThrough(t, clients)

	resp, err := http.Get("http://" + addr + testkit.PollingPath)
	sid, openErr := testkit.OpenedSID(body(t, resp, err))
	if openErr != nil {
		t.Fatal(openErr)
	}
	unknown := 0
	for range 2 {
		resp, err := http.Post("http://"+addr+testkit.PollingPath+"&sid="+sid, "text/plain", strings.NewReader("40"))
		if text := body(t, resp, err); strings.Contains(text, "Session ID unknown") {
			unknown++
		}
	}
	t.Cleanup(func() {
		for range 2 { // one of which reaches it
			resp, err := http.Post("http://"+addr+testkit.PollingPath+"&sid="+sid, "text/plain", strings.NewReader("1"))
			_ = body(t, resp, err)
		}
	})
	if unknown != 1 {
		t.Errorf("%d of two requests met a server that does not know the session, want 1", unknown)
	}
}
