package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"

	"hipflask/handlers"
	"hipflask/server/hipflask"
	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/socketio"
)

// startShowing starts a member whose clients can show something of themselves. What it returns is
// the Socket.IO server.
func startShowing(t *testing.T, redis *redistest.Server) (*harness.Server, *socketio.Server) {
	t.Helper()
	var s *socketio.Server
	server := harness.StartApp(t, func(app *hipflask.App) error {
		s = app.SocketIO
		return errors.Join(handlers.Register(app), s.On("show", func(c *socketio.Context, data map[string]socketio.Value) {
			for name, value := range data {
				c.SetData(name, value)
			}
		}))
	}, "--message-queue", redis.URL())
	return server, s
}

// joinWith connects a client over WebSocket with a payload for CONNECT.
func joinWith(t *testing.T, addr, auth string, header http.Header) *clusterClient {
	t.Helper()
	c := &testkit.LoadClient{Addr: addr, EIO: 4}
	conn, err := testkit.DialTCP(addr)
	if err == nil {
		c.WS, err = testkit.ShakeHands(conn, testkit.UpgradeRequest(addr, c.Target("websocket"), header))
	}
	if err == nil {
		t.Cleanup(c.Cut)
		_, err = c.Next()
	}
	if err == nil {
		err = c.Send("40" + auth)
	}
	var connected string
	if err == nil {
		connected, err = c.Next()
	}
	var told struct{ SID string }
	if err == nil {
		err = json.Unmarshal([]byte(strings.TrimPrefix(connected, "40")), &told)
	}
	if err != nil {
		t.Fatalf("CONNECT was answered %.200q: %v", connected, err)
	}
	return &clusterClient{c, t, told.SID}
}

// TestClusterNodeSeesClientsWhole holds what Node's fetchSockets shows of a Hipflask client to what
// it shows of its own: the same fields, of the same types and forms.
func TestClusterNodeSeesClientsWhole(t *testing.T) {
	redis := redistest.Start(t)
	ours, _ := startShowing(t, redis)
	node, addr := harness.StartNodeServer(t, redis)
	redis.AwaitSubscribers("socket.io-request#/#", 2)
	header := http.Header{"X-Test": {"1"}, "Cookie": {"a=b"}}
	here := joinWith(t, ours.Addr, `{"token":"é","n":[1,null]}`, header)
	there := joinWith(t, addr, `{"token":"é","n":[1,null]}`, header)
	here.says(`420["show",{"name":"Ann","list":[1,{"b":true}]}]`)
	here.hears(`430[]`)
	node.Tell("data", harness.Command{"who": there.id, "data": map[string]any{"name": "Ann", "list": []any{1, map[string]any{"b": true}}}})

	type handshake struct {
		Headers            map[string]string
		Time, Address, URL string
		Xdomain, Secure    bool
		Issued             int64
		Query              map[string]string
		Auth               json.RawMessage
	}
	type socket struct {
		ID        string
		Handshake handshake
		Rooms     []string
		Data      json.RawMessage
	}
	of := func(id string) socket {
		var found struct {
			Sockets []socket
			Error   string
		}
		if node.Do("details", harness.Command{"who": id}, &found); len(found.Sockets) != 1 {
			t.Fatalf("Node found %+v", found)
		}
		return found.Sockets[0]
	}
	a, b := of(here.id), of(there.id)
	if a.ID != here.id || !slices.Equal(a.Rooms, []string{here.id}) || string(a.Data) != `{"list":[1,{"b":true}],"name":"Ann"}` {
		t.Errorf("Node found %+v with %s", a, a.Data)
	}
	if string(a.Handshake.Auth) != string(b.Handshake.Auth) || a.Handshake.Address != "127.0.0.1" || a.Handshake.Secure || a.Handshake.Xdomain != b.Handshake.Xdomain {
		t.Errorf("Node found %+v, of its own %+v", a.Handshake, b.Handshake)
	}
	for _, s := range []struct {
		socket
		addr string
	}{{a, ours.Addr}, {b, addr}} {
		h := s.Handshake
		// JavaScript's Date writes the zone's name behind it, which is free.
		at, err := time.Parse("Mon Jan 02 2006 15:04:05 GMT-0700", strings.TrimSpace(strings.Split(h.Time, " (")[0]))
		if err != nil || at.UnixMilli() > h.Issued || h.Issued-at.UnixMilli() >= 1000 {
			t.Errorf("time %q, issued %d: %v", h.Time, h.Issued, err)
		}
		if h.Headers["host"] != s.addr || h.Headers["x-test"] != "1" || h.Headers["cookie"] != "a=b" || h.Query["EIO"] != "4" ||
			h.Query["transport"] != "websocket" || !strings.HasPrefix(h.URL, "/socket.io/?") {
			t.Errorf("Node found the handshake %+v", h)
		}
	}
}

// TestClusterFindsNodeClients has Hipflask find Node's clients and those of another Hipflask
// server, with what is known of each.
func TestClusterFindsNodeClients(t *testing.T) {
	redis := redistest.Start(t)
	first, s := startShowing(t, redis)
	second, _ := startShowing(t, redis)
	node, addr := harness.StartNodeServer(t, redis)
	redis.AwaitSubscribers("socket.io-request#/#", 3)
	began := time.Now().Truncate(time.Millisecond)
	clients := make(map[string]string)
	for _, at := range []string{first.Addr, second.Addr, addr} {
		clients[joinWith(t, at, `{"token":"é"}`, nil).id] = at
	}
	ids := []string{}
	for id, at := range clients {
		ids = append(ids, id)
		if at == addr {
			node.Tell("data", harness.Command{"who": id, "data": map[string]any{"name": "Ann", "list": []any{1, nil}}})
		}
	}
	node.Tell("join", harness.Command{"who": ids, "room": "room"})
	awaitClients(node, "room", 3)
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Deadline)
	defer cancel()
	all, err := s.To("room").Sockets(ctx)
	if err != nil || len(all) != 3 {
		t.Fatalf("found %+v, %v", all, err)
	}
	for _, found := range all {
		at := clients[found.ID]
		slices.Sort(found.Rooms)
		rooms := []string{found.ID, "room"}
		slices.Sort(rooms)
		if at == "" || !slices.Equal(found.Rooms, rooms) || found.Auth.String() != "{'token': 'é'}" || found.Address != "127.0.0.1" ||
			found.Transport != "websocket" || found.Since.Before(began) || time.Since(found.Since) > testkit.Deadline {
			t.Errorf("found %+v at %s", found, at)
		}
		if at == addr && (len(found.Data) != 2 || found.Data["name"].String() != "Ann" || found.Data["list"].String() != "[1, None]") {
			t.Errorf("data of Node's client: %v", found.Data)
		}
	}
	if n, err := s.To("room").Except(ids[0]).Count(ctx); n != 2 || err != nil {
		t.Errorf("counted %d, %v", n, err)
	}
	if n, err := s.To().Count(ctx); n != 3 || err != nil {
		t.Errorf("counted %d, %v", n, err)
	}
}
