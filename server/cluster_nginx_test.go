package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"hipflask/testdata/testkit"
)

// scalingBlock returns nginx's configuration as SCALING.md has it, for these servers.
func scalingBlock(t *testing.T, listen string, servers ...string) string {
	t.Helper()
	replace := []string{"# listen, server_name, certificates", "listen " + listen + ";"}
	for i, s := range servers {
		replace = append(replace, fmt.Sprintf("127.0.0.1:%d ", 5000+i), s+" ")
	}
	return testkit.Documented(t, "SCALING.md", "## Put them behind anything", replace...)
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
