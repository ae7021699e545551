package hardening

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// Attacks on sessions: on their ids, their origins and the order of their requests. Those on the
// upgrade and on the time that a session takes are in upgrade_test.go. See requests_test.go.

// Attack: session fixation. A session id that the client made up, in the query or in a cookie, is
// never taken over.
func TestHardeningSessionFixation(t *testing.T) {
	addr := harness.Start(t, "--cookie", "io").Addr
	const sid = "AAAAAAAAAAAAAAAAAAAA"
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		testkit.CheckRefusal(t, testkit.Ask(t, addr, method, testkit.PollingPath+"&sid="+sid, nil, "40"), 1)
	}
	got := testkit.Opening(t, addr, testkit.PollingPath, http.Header{"Cookie": {"io=" + sid}})
	if strings.Contains(got.Body, sid) || strings.Contains(got.Header.Get("Set-Cookie"), sid) {
		t.Errorf("the id of a cookie was taken: %v", got)
	}
}

// Attack: session ids that can be guessed from others.
func TestHardeningSessionIDsDiffer(t *testing.T) {
	addr := harness.Start(t).Addr
	seen := make(map[string]bool)
	for range 50 {
		c := testkit.JoinWebSocket(t, addr)
		if len(c.SID) < 20 {
			t.Errorf("the id %q has fewer than 20 characters", c.SID)
		}
		for i := range len(c.SID) - 5 { // no six characters in common with an earlier one
			if part := c.SID[i : i+6]; seen[part] {
				t.Errorf("the id %q shares %q with another", c.SID, part)
			} else {
				seen[part] = true
			}
		}
	}
}

// Attack: a page of another site opens a WebSocket or polls with the visitor's cookies, or posts to
// a session whose id it knows.
func TestHardeningCrossSiteRequests(t *testing.T) {
	addr := harness.Start(t).Addr
	unharmed := testkit.Bystander(t, addr)
	p := testkit.JoinPolling(t, addr, 4)
	session := strings.TrimPrefix(p.URL, "http://"+addr)
	for _, origin := range []string{
		"http://evil.example", "null", "https://" + addr, "http://" + addr + ".evil.example", "http://evil.example/" + addr,
		"http://evil.example@" + addr, "http://127.0.0.1", " ,", "file://", strings.ToUpper("http://" + addr),
	} {
		header := http.Header{"Origin": {origin}}
		testkit.CheckForeignOrigin(t, testkit.Exchange(t, addr, testkit.UpgradeRequest(addr, testkit.WebSocketPath, header))[0])
		testkit.CheckForeignOrigin(t, testkit.Exchange(t, addr, testkit.UpgradeRequest(addr, "/", header))[0])
		testkit.CheckForeignOrigin(t, testkit.Ask(t, addr, http.MethodGet, testkit.PollingPath, header, ""))
		testkit.CheckForeignOrigin(t, testkit.Ask(t, addr, http.MethodGet, session, header, ""))
		testkit.CheckForeignOrigin(t, testkit.Ask(t, addr, http.MethodPost, session, header, testkit.Message("from elsewhere")))
		testkit.CheckForeignOrigin(t, testkit.Ask(t, addr, http.MethodOptions, session, header, ""))
	}
	p.Chats("only this")
	unharmed("cross-site requests")
}

// Attack: many thousands of packets in one payload.
func TestHardeningManyPacketsInOnePayload(t *testing.T) {
	server := harness.Start(t, "--max-payload-packets", "1000")
	unharmed := testkit.Bystander(t, server.Addr)
	for _, version := range []int{4, 3} {
		p := testkit.JoinPolling(t, server.Addr, version)
		packets := make([]string, 1001)
		for i := range packets {
			packets[i] = `42["x"]`
		}
		p.Send(packets[:1000]...)
		p.Chats("a thousand are fine")
		testkit.CheckRefusal(t, p.Post("text/plain;charset=UTF-8", p.Payload(packets)), 3)
		p.Unknown()
	}
	p := testkit.JoinPolling(t, server.Addr, 4)
	testkit.CheckRefusal(t, p.Post("text/plain;charset=UTF-8", strings.Repeat("\x1e", 900_000)), 3)
	p.Unknown()
	unharmed("payloads of many packets")
	harness.CheckLogged(t, server, "--max-payload-packets")
}

// Attack: a second poll while one waits. The first is told that the session is over, the second is
// refused; neither hangs.
func TestHardeningSecondConcurrentPoll(t *testing.T) {
	addr := harness.Start(t).Addr
	unharmed := testkit.Bystander(t, addr)
	for version, closing := range map[int]string{4: "1", 3: "\x00\x01\xff1"} {
		p := testkit.JoinPolling(t, addr, version)
		target := strings.TrimPrefix(p.URL, "http://"+addr)
		first := testkit.BeginRequest(t, addr, "GET "+target+" HTTP/1.1\r\nHost: x\r\n\r\n")
		second := testkit.BeginRequest(t, addr, "GET "+target+" HTTP/1.1\r\nHost: x\r\n\r\n")
		var refused, closed int
		for _, conn := range []*bufio.Reader{bufio.NewReader(first), bufio.NewReader(second)} {
			got, err := testkit.ReadAnswer(first, conn, http.MethodGet)
			switch {
			case err != nil:
				t.Fatal(err)
			case got.Status == http.StatusOK && got.Body == closing:
				closed++
			default:
				testkit.CheckRefusal(t, got, 3)
				refused++
			}
		}
		// Which of the two came first is the kernel's affair.
		if closed != 1 || refused != 1 {
			t.Errorf("%d polls got the close packet and %d were refused, want one each", closed, refused)
		}
		p.Unknown()
	}
	unharmed("two polls at once")
}

// Attack: a second POST while the body of one is on its way.
func TestHardeningSecondConcurrentPOST(t *testing.T) {
	addr := harness.Start(t).Addr
	unharmed := testkit.Bystander(t, addr)
	p := testkit.JoinPolling(t, addr, 4)
	target := strings.TrimPrefix(p.URL, "http://"+addr)
	// The server asks for the body once it has begun to read it.
	first := testkit.BeginRequest(t, addr, "POST "+target+" HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n")
	br := bufio.NewReader(first)
	if got, err := testkit.ReadAnswer(first, br, http.MethodPost); err != nil || got.Status != http.StatusContinue {
		t.Fatalf("the first POST was answered %v, %v; want 100", got, err)
	}
	testkit.CheckRefusal(t, p.Post("text/plain;charset=UTF-8", testkit.Message("second")), 3)
	if _, err := first.Write([]byte(testkit.Message(strings.Repeat("x", 100-len(testkit.Message("")))))); err != nil {
		t.Fatal(err)
	}
	if _, err := testkit.ReadAnswer(first, br, http.MethodPost); err != nil {
		t.Errorf("the first POST: %v", err)
	}
	p.Unknown()
	unharmed("two POSTs at once")
}

// Attack: a WebSocket for a session that does not exist, or for somebody else's WebSocket session.
func TestHardeningUpgradeOfAnUnknownSession(t *testing.T) {
	addr := harness.Start(t).Addr
	victim := testkit.JoinWebSocket(t, addr)
	for sid, code := range map[string]int{"unknown": 1, victim.SID: 3} {
		got := testkit.Exchange(t, addr, testkit.UpgradeRequest(addr, testkit.WebSocketPath+"&sid="+sid, nil))
		testkit.CheckRefusal(t, got[0], code)
	}
	got := testkit.Exchange(t, addr, testkit.UpgradeRequest(addr, testkit.PollingPath+"&sid="+victim.SID, nil))
	testkit.CheckRefusal(t, got[0], 3)
	victim.Chats("still the only one")
}
