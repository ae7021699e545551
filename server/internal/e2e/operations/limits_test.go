package operations

import (
	"fmt"
	"net"
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// The bounds that an operator sets. How each counts is tested in engineio.

// forwarded is the header of a request that came through proxies.
func forwarded(addresses string) http.Header { return http.Header{"X-Forwarded-For": {addresses}} }

func TestMaxConnections(t *testing.T) {
	server := harness.Start(t, "--max-connections", "2")
	first := testkit.JoinWebSocket(t, server.Addr)
	testkit.JoinWebSocket(t, server.Addr)
	header := http.Header{"Origin": {server.URL}}
	for name, got := range map[string]testkit.Answer{
		"polling":         testkit.Ask(t, server.Addr, http.MethodGet, testkit.PollingPath, header, ""),
		"WebSocket":       testkit.Exchange(t, server.Addr, testkit.UpgradeRequest(server.Addr, testkit.WebSocketPath, header))[0],
		"plain WebSocket": testkit.Exchange(t, server.Addr, testkit.UpgradeRequest(server.Addr, "/", header))[0],
	} {
		if got.Status != http.StatusServiceUnavailable || got.Body != `{"code":4,"message":"Too many connections"}` {
			t.Errorf("%s: answered %v", name, got)
		}
		testkit.CheckHeader(t, got, "Retry-After", "1")
		testkit.CheckHeader(t, got, "Access-Control-Allow-Origin", server.URL)
	}
	harness.CheckLogged(t, server, "--max-connections")
	first.Send("1")
	server.Stdout.WaitLines(t, "Client disconnected", 1)
	testkit.JoinWebSocket(t, server.Addr).Chats("there is room again")
}

// socket.io's clients come again by themselves, until there is room for them.
func TestMaxConnectionsAndNpmClients(t *testing.T) {
	testkit.NeedNode(t)
	for _, client := range []string{"socket.io-client-2", testkit.NewestClient} {
		for _, mode := range []string{"websocket", "polling"} {
			t.Run(client+"/"+mode, func(t *testing.T) {
				t.Parallel()
				server := harness.Start(t, "--max-connections", "1")
				first := testkit.JoinWebSocket(t, server.Addr)
				process := testkit.StartScript(t, "refused.mjs", testkit.ScriptConfig{URL: server.URL, Client: client, Mode: mode})
				process.Await(t, "refused", "error")
				first.Send("1")
				process.Await(t, "refused", "connected")
				process.Finish(t)
			})
		}
	}
}

// Each address has its own count, and nobody but a trusted proxy says which it is.
func TestMaxConnectionsPerAddress(t *testing.T) {
	limit := []string{"--max-connections-per-address", "1"}
	t.Run("behind a trusted proxy", func(t *testing.T) {
		server := harness.Start(t, append(limit, "--trusted-proxies", "127.0.0.0/8")...)
		for i := range 3 {
			address := fmt.Sprint("203.0.113.", i)
			if got := testkit.Opening(t, server.Addr, testkit.PollingPath, forwarded(address)); got.Status != http.StatusOK {
				t.Errorf("the first client of %s was answered %v", address, got)
			}
			for _, chain := range []string{address, "198.51.100.1, " + address, "127.0.0.1, " + address, address + ", 127.0.0.9"} {
				got := testkit.Ask(t, server.Addr, http.MethodGet, testkit.PollingPath, forwarded(chain), "")
				if got.Status != http.StatusTooManyRequests || got.Body != `{"code":4,"message":"Too many connections from this address"}` {
					t.Errorf("another one of %q was answered %v", chain, got)
				}
				testkit.CheckHeader(t, got, "Retry-After", "1")
			}
		}
		server.Stderr.WaitText(t, "address=203.0.113.0 ")
		harness.CheckLogged(t, server, "--max-connections-per-address")
	})
	for name, args := range map[string][]string{"nobody is trusted": nil, "somebody else is": {"--trusted-proxies", "10.0.0.0/8,unix"}} {
		t.Run(name, func(t *testing.T) {
			server := harness.Start(t, append(limit, args...)...)
			testkit.Opening(t, server.Addr, testkit.PollingPath, forwarded("203.0.113.1"))
			got := testkit.Ask(t, server.Addr, http.MethodGet, testkit.PollingPath, forwarded("203.0.113.2"), "")
			if got.Status != http.StatusTooManyRequests {
				t.Errorf("a forged address was believed: %v", got)
			}
			harness.CheckLogged(t, server, "--trusted-proxies")
		})
	}
}

func TestMaxHandshakesPerSecond(t *testing.T) {
	server := harness.Start(t, "--max-handshakes-per-second", "1")
	testkit.Opening(t, server.Addr, testkit.PollingPath, nil)
	got := testkit.Ask(t, server.Addr, http.MethodGet, testkit.PollingPath, nil, "")
	if got.Status != http.StatusServiceUnavailable || got.Body != `{"code":4,"message":"Too many new connections"}` {
		t.Errorf("answered %v", got)
	}
	testkit.CheckHeader(t, got, "Retry-After", "1")
	harness.CheckLogged(t, server, "--max-handshakes-per-second")
}

// A client that says more than it may is held back, and everybody hears all of it.
func TestMaxRatesLoseNothing(t *testing.T) {
	testkit.NeedNode(t)
	const count = 2000
	for _, mode := range []string{"websocket", "polling"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			server := harness.Start(t, "--max-messages-per-second", "400", "--max-bytes-per-second", "200KB",
				"--ping-interval", "300ms", "--ping-timeout", "20s")
			reports := testkit.RunScript(t, "burst.mjs", testkit.ScriptConfig{URL: server.URL, Client: testkit.NewestClient, Mode: mode, Clients: []string{testkit.NewestClient}, Count: count})
			for _, r := range reports {
				testkit.CheckReceiver(t, r, count)
			}
			server.End()
			testkit.CompareLines(t, server.Stdout.Messages(), testkit.BurstLines(count))
			harness.CheckLogged(t, server, "--max-messages-per-second")
		})
	}
}

// Where fewer files may be open than clients come, the log says so at the start, and when they are
// used up; and the server goes on once there are some again.
func TestFewFiles(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such limit")
	}
	binary := harness.Build(t)
	t.Run("fewer than --max-connections", func(t *testing.T) {
		_, _, stderr := harness.StartProgram(t, binary, "--port", "0", "--max-connections", "1000000")
		stderr.WaitMatch(t, regexp.MustCompile(`level=WARN .*fewer files may be open than clients may connect.* setting=--max-connections max_connections=1000000`))
	})
	t.Run("used up", func(t *testing.T) {
		cmd, stdout, stderr := harness.StartProgram(t, "sh", "-c", `ulimit -n 64 && exec "$0" "$@"`, binary, "--port", "0",
			"--max-connections", "off", "--max-open-connections", "off")
		addr := stderr.WaitMatch(t, regexp.MustCompile(`url=http://(\S+)`))[1]
		stderr.WaitMatch(t, regexp.MustCompile(`level=WARN .*few files may be open.* limit=64 .*LimitNOFILE`))
		began := time.Now()
		open := useUp(t, addr, 64, stderr)
		stderr.WaitMatch(t, regexp.MustCompile(`level=ERROR .*no connection can be accepted.* limit=64 .*LimitNOFILE.*--max-connections`))
		for _, conn := range open {
			_ = conn.Close()
		}
		testkit.JoinWebSocket(t, addr).Chats("there are files again")
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("ended with %v", err)
		}
		stdout.WaitLines(t, "Received message: there are files again", 1)
		most := 5 * (int(time.Since(began).Seconds()) + 2) // five a second, while net/http tries again
		if n := strings.Count(stderr.String(), "no connection can be accepted"); n > most {
			t.Errorf("the log says it %d times, want %d at most", n, most)
		}
	})
}

// useUp opens as many WebSockets as there are files, and waits until the log says that there are no
// more.
func useUp(t *testing.T, addr string, files int, stderr *testkit.Output) []net.Conn {
	t.Helper()
	var open []net.Conn
	for range files {
		// The kernel accepts it, if not the server.
		open = append(open, testkit.BeginRequest(t, addr, testkit.UpgradeRequest(addr, testkit.WebSocketPath, nil)))
	}
	stderr.WaitText(t, "no connection can be accepted")
	return open
}
