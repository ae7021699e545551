//go:build unix

package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"hipflask/handlers"
	"hipflask/server/hipflask"
	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/e2e/harness"
	"hipflask/server/socketio"
	"hipflask/testdata/testkit"
)

func onBothAdapters(t *testing.T, test func(t *testing.T, adapter string)) {
	t.Helper()
	for _, adapter := range []string{"redis", "redis-streams"} {
		t.Run(adapter, func(t *testing.T) {
			t.Parallel()
			test(t, adapter)
		})
	}
}

// TestAdminActsOnAllServers has a UI of one server act on clients of another one, in a namespace
// that is nowhere else as well.
func TestAdminActsOnAllServers(t *testing.T) {
	onBothAdapters(t, func(t *testing.T, adapter string) {
		redis := redistest.Start(t)
		users := adminUsers(t)
		args := []string{"--message-queue", redis.URL(), "--cluster-adapter", adapter, "--admin-users-file", users}
		a := harness.Start(t, args...)
		b := harness.StartApp(t, func(app *hipflask.App) error {
			return errors.Join(handlers.Register(app), app.SocketIO.Of("/only").On("say", func(c *socketio.Context) {}))
		}, append(args, "--admin-mode", "development")...)
		first, firstID := joinAs(t, b.Addr)
		only := testkit.OpenWebSocket(t, b.Addr, testkit.WebSocketPath)
		onlyID := connect(only, "40/only,")

		ui := harness.MustLogin(t, a.Addr, "root", adminPassword)
		ui.Told("config", "MDISCONNECT")
		ui.Told("server_stats", `"name":"/only","socketsCount":1`)
		for range 2 { // in either order
			told := ui.Told("socket_connected", `"transport":"websocket"`)
			if text := string(told[0]); !strings.Contains(text, firstID) && !strings.Contains(text, onlyID) {
				t.Fatalf("told of %s", text)
			}
		}
		ui.Commands("join", "/", "lobby", firstID)
		ui.Told("room_joined", `"/","lobby","`+firstID)
		ui.Commands("emit", "/", "lobby", "hello", "from above")
		first.Awaits(`42["hello","from above"]`)
		ui.Commands("leave", "/", "lobby", firstID)
		ui.Told("room_left", `"/","lobby","`+firstID)

		ui.Commands("emit", "/only", nil, "hello", 1)
		only.Awaits(`42/only,["hello",1]`)
		only.Send(`42/only,["say","something"]`)
		ui.Told("event_received", `"/only","`+onlyID, `["say","something"]`)
		ui.Commands("_disconnect", "/only", false, onlyID)
		only.Awaits("41/only,")
		ui.Told("socket_disconnected", `"/only","`+onlyID)
		ui.Commands("_disconnect", "/", true, firstID)
		first.Awaits("41")

		late, lateID := joinAs(t, b.Addr)
		ui.Told("socket_connected", lateID)
		if err := b.Stop(); err != nil {
			t.Error(err)
		}
		ui.Told("socket_disconnected", lateID)
		late.Close()
	})
}

// TestAdminLoginHoldsEverywhere has a login at one server open the others, until the server's users
// are others; and no other session does.
func TestAdminLoginHoldsEverywhere(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	users := adminUsers(t)
	// In the end there is no Redis, which would be waited for.
	a := harness.StartMember(t, redis, "--admin-users-file", users, "--shutdown-timeout", "1s")
	b := harness.StartMember(t, redis, "--admin-users-file", users, "--shutdown-timeout", "1s")
	apart := harness.StartMember(t, redis, "--admin-users-file", users, "--cluster-prefix", "other", "--channel", "other")
	var session string
	if err := json.Unmarshal(harness.MustLogin(t, a.Addr, "ann", "ann's").Told("session")[0], &session); err != nil {
		t.Fatal(err)
	}
	for _, server := range []*harness.Server{b, a} {
		ui, refused := harness.AdminLogin(t, server.Addr, map[string]any{"sessionId": session})
		if refused != "" {
			t.Fatalf("the session was refused: %s", refused)
		}
		ui.Told("config", `{"supportedFeatures":[]}`) // ann may only look, wherever
	}
	for _, wrong := range []string{session + "x", session[1:], "x", strings.Repeat("x", 1<<16), strings.Replace(session, "YW5u", "cm9vdA", 1)} {
		if _, refused := harness.AdminLogin(t, b.Addr, map[string]any{"sessionId": wrong}); refused != "invalid credentials" {
			t.Errorf("the session %.80q was answered %q", wrong, refused)
		}
	}
	if _, refused := harness.AdminLogin(t, apart.Addr, map[string]any{"sessionId": session}); refused == "" {
		t.Error("the session holds in another application on this Redis")
	}
	redis.Kill() // what is known goes on to hold
	if _, refused := harness.AdminLogin(t, b.Addr, map[string]any{"sessionId": session}); refused != "" {
		t.Errorf("without Redis the session was refused: %s", refused)
	}
}

// TestAdminReadOnlyIsRefusedAtTheServer has whoever may only look send commands all the same.
func TestAdminReadOnlyIsRefusedAtTheServer(t *testing.T) {
	redis := redistest.Start(t)
	users := adminUsers(t)
	reading := harness.StartMember(t, redis, "--admin-users-file", users, "--admin-read-only")
	acting := harness.StartMember(t, redis, "--admin-users-file", users)
	c, id := joinAs(t, acting.Addr)
	for _, who := range []struct {
		server         *harness.Server
		user, password string
	}{{reading, "root", adminPassword}, {acting, "ann", "ann's"}} {
		ui := harness.MustLogin(t, who.server.Addr, who.user, who.password)
		ui.Told("config", `{"supportedFeatures":[]}`)
		ui.Tries("emit", "/", nil, "hello")
		ui.Tries("join", "/", "lobby", id)
		ui.Tries("leave", "/", id)
		ui.Tries("_disconnect", "/", true, id)
		who.server.Stderr.WaitText(t, `msg="admin command failed" command=_disconnect`)
		who.server.Stderr.WaitText(t, "this user may only look")
	}
	c.Send(testkit.Message("unharmed"))
	c.Hears(testkit.Message("unharmed")) // and nothing before it
	root := harness.MustLogin(t, acting.Addr, "root", adminPassword)
	root.Commands("_disconnect", "/", true, id)
	c.Awaits("41")
}

// adminEvents reads the metric of what servers tell each other for UIs.
func adminEvents(t *testing.T, ops, result string) int {
	t.Helper()
	r, err := http.Get("http://" + ops + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`hipflask_cluster_admin_events_total\{result="` + result + `"\} (\d+)`).FindSubmatch(body)
	if found == nil {
		t.Fatalf("no metric of what is %s", result)
	}
	n, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

var opsAt = regexp.MustCompile(`msg="health and metrics" address=(\S+)`)

// Nobody who looks, nothing that is said: before the first UI comes, and after the last has left.
func TestAdminCostsNothingUnwatched(t *testing.T) {
	onBothAdapters(t, func(t *testing.T, adapter string) {
		redis := redistest.Start(t)
		args := []string{"--cluster-adapter", adapter, "--admin-users-file", adminUsers(t)}
		a := harness.StartMember(t, redis, args...)
		b := harness.StartMember(t, redis, append(args, "--ops-addr", "0", "--admin-mode", "development")...)
		ops := b.Stderr.WaitMatch(t, opsAt)[1]
		visit := func() {
			c, _ := joinAs(t, b.Addr)
			c.Chats("anybody there?")
			_ = c.Close()
		}
		for range 3 {
			visit()
		}
		if n := adminEvents(t, ops, "sent"); n != 0 {
			t.Errorf("%d events were sent to nobody", n)
		}
		ui := harness.MustLogin(t, a.Addr, "root", adminPassword)
		ui.Told("server_stats", `"clientsCount":0`)
		_, id := joinAs(t, b.Addr)
		ui.Told("socket_connected", id)
		_ = ui.Close()
		testkit.Eventually(t, "the end of what is said", func() bool {
			before := adminEvents(t, ops, "sent")
			visit()
			visit()
			return adminEvents(t, ops, "sent") == before
		})
	})
}

// Attack: whoever can publish on Redis says what no server says to UIs. A UI was sent all that
// anybody emitted in its namespace: another session, a list of no sockets, what its page breaks of.
func TestHardeningAdminEventsOfOthers(t *testing.T) {
	redis := redistest.Start(t)
	users := adminUsers(t)
	s := harness.StartMember(t, redis, "--admin-users-file", users, "--ops-addr", "0")
	streamed := harness.StartMember(t, redis, "--admin-users-file", users, "--ops-addr", "0",
		"--cluster-adapter", "redis-streams", "--cluster-prefix", "streamed", "--channel", "streamed")
	messages := []string{
		`null`, `7`, `[]`, `{}`, `{"from":"","uis":[]}`, `{"from":"x","uis":null,"events":[null]}`, `{"from":"x","uis":"y"}`, `{"from":["x"],"uis":[]}`,
		`{"from":"` + strings.Repeat("x", 2000) + `","uis":[]}`, `{"from":"x","uis":["` + strings.Repeat(`","`, 100) + `"]}`,
	}
	events := []string{
		`"session","stolen"`, `"config",{"supportedFeatures":[]}`, `"all_sockets",[]`, `"server_stats",null`, `"server_stats",{}`, `"server_stats"`,
		`"server_stats",{"serverId":{}}`, `"server_stats",{"serverId":"x","namespaces":7}`, `"server_stats",{"serverId":"x","clientsCount":-1}`,
		`"server_stats",{"serverId":"x","namespaces":[{"name":null}]}`, `"socket_connected",null`, `"socket_connected",{"id":"x"}`,
		`"socket_connected",{"id":"x","nsp":"/","rooms":[7]}`, `"socket_connected",{"id":"x","nsp":"/","handshake":[]}`, `"socket_updated",7`,
		`"socket_disconnected","/"`, `"room_joined","/",{},"x"`, `"event_received","/","x",null`, `"event_sent","/","x",[]`, `"anything",1`,
		`"room_left","/","` + strings.Repeat("r", 5000) + `","x"`, `"event_sent","/","x",["` + strings.Repeat("e", 100_000) + `"]`,
	}
	for _, e := range events {
		name, args, _ := strings.Cut(e, ",")
		messages = append(messages, fmt.Sprintf(`{"from":"x","uis":[],"events":[{"event":%s,"args":[%s]}]}`, name, args))
	}
	ui, other := harness.MustLogin(t, s.Addr, "root", adminPassword), harness.MustLogin(t, streamed.Addr, "root", adminPassword)
	for _, u := range []*harness.AdminUI{ui, other} {
		u.Told("all_sockets")
	}
	for _, m := range messages {
		redis.Publish("socket.io-request#/admin#", `{"uid":"x","type":6,"data":["hipflask:admin",`+m+`]}`)
	}
	for _, e := range events {
		redis.Do("XADD", "streamed", "*", "uid", "x", "nsp", "/admin", "type", "3", "data",
			`{"packet":{"type":2,"data":[`+e+`],"nsp":"/admin"},"opts":{"rooms":[],"except":[],"flags":{}}}`)
	}
	// What is well-formed comes after them, and nothing of them before it, but for ours.
	const good = `"room_joined","/","the last","x"`
	redis.Publish("socket.io-request#/admin#", `{"uid":"x","type":6,"data":["hipflask:admin",{"from":"x","uis":[],"events":[{"event":"room_joined","args":["/","the last","x"]}]}]}`)
	redis.Do("XADD", "streamed", "*", "uid", "x", "nsp", "/admin", "type", "3", "data",
		`{"packet":{"type":2,"data":[`+good+`],"nsp":"/admin"},"opts":{"rooms":[],"except":[],"flags":{}}}`)
	for i, u := range []*harness.AdminUI{ui, other} {
		for {
			packet, err := u.Packet()
			u.Must(err)
			if strings.Contains(packet, "the last") {
				break
			}
			if !strings.HasPrefix(packet, `42/admin,["server_stats",{"serverId":"`) || strings.Contains(packet, `"serverId":"x"`) {
				t.Errorf("a UI was told %.200q", packet)
			}
		}
		server, want, logged := s, len(messages), "admin event of another server refused"
		if i == 1 {
			server, want, logged = streamed, len(events), "entry of the stream ignored"
		}
		ops := server.Stderr.WaitMatch(t, opsAt)[1]
		if n := adminEvents(t, ops, "refused"); n < want-1 || n > want {
			t.Errorf("%d were refused, of %d", n, want)
		}
		server.Stderr.WaitText(t, logged)
	}
}
