package cluster

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/gin-gonic/gin"

	"hipflask/server/hipflask"
	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/e2e/harness"
	"hipflask/server/socketio"
	"hipflask/testdata/testkit"
)

// Attacks on what servers pass on to each other.

// forwardedHeader is the one that only a server of the cluster may send.
const forwardedHeader = "Hipflask-Forwarded"

// wiretap writes down what takes its way to a server.
type wiretap struct {
	*testkit.Proxy

	mu    sync.Mutex
	taken bytes.Buffer
}

// lead leads to a server.
func (w *wiretap) lead(to string) {
	w.Lead(to, func(server, client net.Conn) {
		defer server.Close()
		_, _ = io.Copy(server, io.TeeReader(client, w))
	}, testkit.Copy)
}

// Write takes what passes.
func (w *wiretap) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.taken.Write(p)
}

// recorded returns the last poll that was passed on.
func (w *wiretap) recorded(t *testing.T) *http.Request {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	text := w.taken.String()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text[max(strings.LastIndex(text, "GET "), 0):])))
	if err != nil || r.Header.Get(forwardedHeader) == "" {
		t.Fatalf("%v in %q", err, text)
	}
	return r
}

// Attack: a request that was passed on is recorded and sent again, with something of it changed, to
// get past the checks of origin and host, or to be taken for somebody else. What proves nothing is
// a client's request, and is checked as one.
func TestHardeningRecordedForward(t *testing.T) {
	redis := redistest.Start(t)
	tap := &wiretap{Proxy: testkit.Listen(t)}
	a, ops := harness.StartOps(t, "--message-queue", redis.URL(), "--cluster-url", "http://"+tap.Addr().String(), "--allowed-hosts", "127.0.0.1")
	tap.lead(a.Addr)
	b, c := harness.StartMember(t, redis), harness.StartMember(t, redis)
	p := by(testkit.JoinPolling(t, a.Addr, 4), b.Addr)
	p.Chats("by way of the wiretap")
	r := tap.recorded(t)
	proof := r.Header.Get(forwardedHeader)
	evil := http.Header{"Origin": {"http://evil.example"}, forwardedHeader: {proof}}

	testkit.CheckRefusal(t, testkit.Ask(t, c.Addr, r.Method, r.RequestURI, http.Header{forwardedHeader: {proof}}, ""), 1) // by another server
	testkit.CheckForeignOrigin(t, testkit.Ask(t, a.Addr, r.Method, r.RequestURI+"&x", evil, ""))
	testkit.CheckForeignOrigin(t, testkit.Ask(t, a.Addr, http.MethodOptions, r.RequestURI, evil, ""))
	testkit.CheckForeignOrigin(t, testkit.Ask(t, a.Addr, r.Method, strings.Replace(r.RequestURI, "/socket.io/", "/socket.io/x/", 1), evil, ""))
	for i, field := range strings.SplitN(proof, " ", 7) {
		fields := strings.SplitN(proof, " ", 7)
		fields[i] = field[:len(field)-1] + string(field[len(field)-1]^1)
		evil[forwardedHeader] = []string{strings.Join(fields, " ")}
		testkit.CheckForeignOrigin(t, testkit.Ask(t, a.Addr, r.Method, r.RequestURI, evil, ""))
	}
	evil[forwardedHeader] = []string{proof, proof}
	testkit.CheckForeignOrigin(t, testkit.Ask(t, a.Addr, r.Method, r.RequestURI, evil, ""))
	if got := testkit.Exchange(t, a.Addr, "GET "+r.RequestURI+"&x HTTP/1.1\r\nHost: evil.example\r\n"+forwardedHeader+": "+proof+"\r\n\r\n")[0]; !strings.Contains(got.Body, "host") {
		t.Errorf("another host is answered %v", got)
	}
	p.Chats("afterwards")
	harness.CheckLogged(t, a, "is taken for a client's")
	harness.AwaitMetrics(t, ops, map[string]float64{`hipflask_cluster_forwarded_received_total{result="unproven"}`: 12})
	for _, s := range []*harness.Server{a, b, c} {
		mac := strings.SplitN(proof, " ", 7)[5]
		if log := s.Stderr.String(); strings.Contains(log, mac) || strings.Contains(log, p.URL[strings.Index(p.URL, "sid="):]) {
			t.Errorf("the log repeats a secret:\n%s", testkit.Tail(log))
		}
	}
}

// Attack: a client sends the header itself. Nobody gets to see it: no handler, no route.
func TestHardeningForwardedHeaderIsRemoved(t *testing.T) {
	register := func(app *hipflask.App) error {
		app.Router.Any("/route", func(c *gin.Context) { c.String(http.StatusOK, "%q", c.Request.Header[forwardedHeader]) })
		return app.SocketIO.On("message", func(c *socketio.Context, _ string) error {
			return c.Emit("message", fmt.Sprint(c.Request().Header[forwardedHeader]))
		})
	}
	for _, args := range [][]string{nil, {"--message-queue", redistest.Start(t).URL()}} {
		server := harness.StartApp(t, register, args...)
		forged := http.Header{forwardedHeader: {"1 pass A B 1 C 127.0.0.1:1"}}
		if got := testkit.Ask(t, server.Addr, http.MethodGet, "/route", forged, ""); got.Body != "[]" {
			t.Errorf("a route is shown %s", got.Body)
		}
		ws, err := testkit.ShakeHands(testkit.BeginRequest(t, server.Addr, ""), testkit.UpgradeRequest(server.Addr, testkit.WebSocketPath, forged))
		if err != nil {
			t.Fatal(err)
		}
		c := (&testkit.Client{WebSocket: ws, T: t}).Joined()
		c.Send(testkit.Message("what is there?"))
		c.Hears(testkit.Message("[]"))
	}
}

// Attack: whoever can write to Redis, and does not know the key there, has servers send requests,
// with their cookies, to an address of his.
func TestHardeningForgedAddress(t *testing.T) {
	redis := redistest.Start(t)
	a, b := harness.StartMember(t, redis), harness.StartMember(t, redis)
	p := testkit.JoinPolling(t, a.Addr, 4)
	by(p, b.Addr).Chats("before")
	trap, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer trap.Close()
	caught := make(chan struct{}, 100)
	go func() {
		for {
			conn, err := trap.Accept()
			if err != nil {
				return
			}
			caught <- struct{}{}
			_ = conn.Close()
		}
	}()
	id := strings.Split(p.URL[strings.Index(p.URL, "sid=")+4:], ".")[0]
	real := fmt.Sprint(redis.Do("GET", "socket.io:server:"+id))
	fields := strings.SplitN(real, " ", 6)
	url := "http://" + trap.Addr().String()
	for i, value := range []string{
		"", "x", "1", url, strings.Join(append(fields[:5:5], url), " "), // whose signature is of another address
		real, // which is of another server
		strings.Repeat("1 ", 10_000), "1 FORGED0000 1 - AAAA " + url,
	} {
		forged := fmt.Sprintf("FORGED%04d", i)
		redis.Do("SET", "socket.io:server:"+forged, value)
		testkit.CheckRefusal(t, testkit.Ask(t, b.Addr, http.MethodGet, testkit.PollingPath+"&sid="+forged+".x", nil, ""), 1)
	}
	redis.Do("SET", "socket.io:server:WRONGTYPE0", "x")
	redis.Do("DEL", "socket.io:server:WRONGTYPE0")
	redis.Do("LPUSH", "socket.io:server:WRONGTYPE0", "x")
	testkit.CheckRefusal(t, testkit.Ask(t, b.Addr, http.MethodGet, testkit.PollingPath+"&sid=WRONGTYPE0.x", nil, ""), 1)
	select {
	case <-caught:
		t.Error("a server has connected to the address")
	default:
	}
	p.Chats("after")
	harness.CheckLogged(t, b, "a server's address in Redis is ignored")
	if n := strings.Count(b.Stderr.String(), "is ignored"); n > 10 {
		t.Errorf("%d lines in the log", n)
	}
}

// Attack: ids of sessions of servers that never were, each another, to have Redis asked for all of
// them.
func TestHardeningForgedServers(t *testing.T) {
	redis := redistest.Start(t)
	server, ops := harness.StartOps(t, "--message-queue", redis.URL())
	unharmed := testkit.Bystander(t, server.Addr)
	const many = 3000
	err := testkit.Each(many, 50, func(i int) error {
		resp, err := http.Get(fmt.Sprintf("http://%s%s&sid=A%09d.x", server.Addr, testkit.PollingPath, i))
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			return fmt.Errorf("answered %s", resp.Status)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	for _, sid := range []string{".", "..", "x.", ".x", strings.Repeat("A", 10_000) + ".x", "a*b.AAAAAAAAAA.x", "%0d%0aGET.x", "AAAAAAAAAA%20.x", "socket.io:forward-key.x"} {
		testkit.CheckRefusal(t, testkit.Ask(t, server.Addr, http.MethodGet, testkit.PollingPath+"&sid="+sid, nil, ""), 1)
	}
	unharmed("unknown servers")
	harness.AwaitMetrics(t, ops, map[string]float64{`hipflask_cluster_forwarded_total{result="unknown"}`: many})
}
