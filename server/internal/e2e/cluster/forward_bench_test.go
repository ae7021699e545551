//go:build linux

package cluster

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/e2e/harness"
)

// BenchmarkForward measures what a request costs that is passed on: 16 clients of Engine.IO 3 post
// a ping and poll for the pong, of the server that has their sessions and by way of another one. It
// reports the processor time of each server.
//
//	go test -run '^$' -bench Forward -benchtime 20000x ./server/internal/e2e/cluster
func BenchmarkForward(b *testing.B) {
	redis := redistest.Start(b)
	binary := harness.Build(b)
	owner, other := benchServer(b, binary, redis), benchServer(b, binary, redis)
	for _, way := range []struct {
		name string
		addr string
	}{{"direct", owner.addr}, {"forwarded", other.addr}} {
		b.Run(way.name, func(b *testing.B) {
			h := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
			defer h.CloseIdleConnections()
			const clients = 16
			urls := make([]string, clients)
			for i := range urls {
				opened, err := benchAsk(h, http.MethodGet, "http://"+owner.addr+"/socket.io/?EIO=3&transport=polling&b64=1", "")
				sid := regexp.MustCompile(`"sid":"([^"]+)"`).FindStringSubmatch(opened)
				if err != nil || sid == nil {
					b.Fatal(err, opened)
				}
				urls[i] = "http://" + way.addr + "/socket.io/?EIO=3&transport=polling&b64=1&sid=" + sid[1]
				if !strings.Contains(opened, "2:40") { // it comes with OPEN, or with the first poll
					if _, err := benchAsk(h, http.MethodGet, urls[i], ""); err != nil {
						b.Fatal(err)
					}
				}
			}
			before := [2]int{owner.ticks(b), other.ticks(b)}
			b.ResetTimer()
			var work sync.WaitGroup
			for i, url := range urls {
				work.Go(func() { benchTrips(b, h, url, i, (b.N+clients-1)/clients) })
			}
			work.Wait()
			b.StopTimer()
			const requests, tick = 2, 10_000 // a round trip; microseconds
			owners, others := float64(owner.ticks(b)-before[0])*tick, float64(other.ticks(b)-before[1])*tick
			n := float64(b.N * requests)
			b.ReportMetric(owners/n, "µs-owner/request")
			b.ReportMetric(others/n, "µs-other/request")
			b.ReportMetric((owners+others)/n, "µs/request")
			for _, url := range urls {
				_, _ = benchAsk(h, http.MethodPost, url, "1:1")
			}
		})
	}
}

// benchTrips makes round trips of one client.
func benchTrips(b *testing.B, h *http.Client, url string, client, trips int) {
	for n := range trips {
		at := fmt.Sprintf("%s&t=%d.%d", url, client, n)
		if _, err := benchAsk(h, http.MethodPost, at, "1:2"); err != nil {
			b.Error(err)
			return
		}
		if got, err := benchAsk(h, http.MethodGet, at, ""); err != nil || got != "1:3" {
			b.Errorf("%q, %v", got, err)
			return
		}
	}
}

func benchAsk(h *http.Client, method, url, body string) (string, error) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	resp, err := h.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, text)
	}
	return string(text), err
}

// benched is a server in a process of its own.
type benched struct {
	addr string
	cmd  *exec.Cmd
}

func benchServer(b *testing.B, binary string, redis *redistest.Server) benched {
	cmd := exec.Command(binary, "--port", "0", "--message-queue", redis.URL())
	stderr, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	log := make([]byte, 0, 4096)
	for {
		if found := regexp.MustCompile(`url=http://(\S+)`).FindSubmatch(log); found != nil {
			go func() { _, _ = io.Copy(io.Discard, stderr) }()
			return benched{string(found[1]), cmd}
		}
		n, err := stderr.Read(log[len(log):cap(log)])
		if err != nil {
			b.Fatal(err, string(log))
		}
		log = log[:len(log)+n]
	}
}

// ticks is the processor time that the process has taken, in hundredths of a second.
func (s benched) ticks(b *testing.B) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+2:]))
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err1 != nil || err2 != nil {
		b.Fatal(err1, err2)
	}
	return user + system
}
