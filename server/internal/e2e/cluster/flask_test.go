package cluster

import (
	"testing"

	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// bytesOf and tupleOf are how JSON says what it does not have.
func bytesOf(hex string) map[string]any    { return map[string]any{"$bytes": hex} }
func tupleOf(values ...any) map[string]any { return map[string]any{"$tuple": values} }

// TestClusterPythonEmitter has a Python process emit, as a Celery worker does, to clients of two
// servers.
func TestClusterPythonEmitter(t *testing.T) {
	redis := redistest.Start(t)
	first, second := harness.StartMember(t, redis), harness.StartMember(t, redis)
	worker := harness.StartPythonHelper(t, "emitter.py", redis)
	var ready struct{ Ready bool }
	worker.Next(&ready)
	here, there := joinCluster(t, first.Addr), joinCluster(t, second.Addr)
	emit := func(event, data any, more harness.Command) {
		t.Helper()
		c := harness.Command{"args": []any{event, data}}
		for key, value := range more {
			c[key] = value
		}
		worker.Tell("emit", c)
	}
	publish := func(message harness.Command) {
		t.Helper()
		message["namespace"], message["host_id"] = "/", "0123"
		worker.Tell("publish", harness.Command{"args": []any{message}})
	}
	both := func(want string) {
		t.Helper()
		here.hears(want)
		there.hears(want)
	}

	emit("message", "hello", nil)
	both(`42["message","hello"]`)
	worker.Tell("send", harness.Command{"args": []any{map[string]any{"a": []any{1, nil, true, "é"}}}})
	both(`42["message",{"a":[1,null,true,"é"]}]`)
	emit("several", tupleOf("a", 1), nil)
	both(`42["several","a",1]`)
	emit("list", []any{1, 2}, nil)
	both(`42["list",[1,2]]`)
	emit("bytes", bytesOf("00ff"), nil)
	for _, c := range []*clusterClient{here, there} {
		hearsBytes(c, `451-["bytes",{"_placeholder":true,"num":0}]`, "\x00\xff")
	}
	emit("elsewhere", 1, harness.Command{"namespace": "/other"})
	emit("alone", 1, harness.Command{"to": there.id})
	there.hears(`42["alone",1]`)
	emit("skipped", 1, harness.Command{"skip_sid": there.id})
	here.hears(`42["skipped",1]`)

	publish(harness.Command{"method": "enter_room", "sid": here.id, "room": "room"})
	publish(harness.Command{"method": "enter_room", "sid": there.id, "room": "room"})
	emit("room", 1, harness.Command{"to": "room"})
	both(`42["room",1]`)
	publish(harness.Command{"method": "leave_room", "sid": here.id, "room": "room"})
	emit("room", 2, harness.Command{"room": "room"})
	there.hears(`42["room",2]`)
	worker.Tell("close_room", harness.Command{"args": []any{"room"}})
	emit("room", 3, harness.Command{"room": "room"})
	publish(harness.Command{"method": "emit", "event": "json", "data": []any{"a", 1}, "binary": false, "room": nil, "skip_sid": nil, "callback": nil})
	both(`42["json","a",1]`)

	worker.Tell("disconnect", harness.Command{"args": []any{there.id}, "namespace": "/"})
	emit("end", nil, nil)
	here.hears(`42["end"]`)
	there.hears("41")
}

// TestClusterWithFlaskServer has a Flask-SocketIO server on the same queue.
func TestClusterWithFlaskServer(t *testing.T) {
	redis := redistest.Start(t)
	first := harness.StartMember(t, redis, "--channel-format", "pickle")
	second := harness.StartMember(t, redis, "--channel-format", "pickle")
	flask := harness.StartFlaskServer(t, redis)
	here, near, there := joinCluster(t, first.Addr), joinCluster(t, second.Addr), joinCluster(t, flask)
	redis.AwaitSubscribers("flask-socketio", 3)
	all := func(want string) {
		t.Helper()
		for _, c := range []*clusterClient{here, near, there} {
			c.hears(want)
		}
	}

	there.says(testkit.Message("from Flask"))
	all(testkit.Message("from Flask"))
	here.says(testkit.Message("from here"))
	all(testkit.Message("from here"))
	near.says(`42["message",[1,{"b":null,"a":"e"}]]`)
	all(`42["message",[1,{"b":null,"a":"e"}]]`)
	here.says(`451-["message",{"_placeholder":true,"num":0}]`)
	if err := here.WS.SendFrame(testkit.OpBinary, "\x00\xff"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*clusterClient{here, near, there} {
		hearsBytes(c, `451-["message",{"_placeholder":true,"num":0}]`, "\x00\xff")
	}

	// An emit with a callback goes to a client of ours and its answer back.
	there.says(`42["ask","` + near.id + `"]`)
	if err := near.acknowledges(`["question","what"]`, `["a",2]`); err != nil {
		t.Fatal(err)
	}
	all(`42["answered","a",2]`)
}

// TestClusterLearnsTheFormat: after a message of an old Flask-SocketIO this server writes what that
// can read.
func TestClusterLearnsTheFormat(t *testing.T) {
	redis := redistest.Start(t)
	ours := harness.StartMember(t, redis)
	flask := harness.StartFlaskServer(t, redis)
	here, there := joinCluster(t, ours.Addr), joinCluster(t, flask)
	redis.AwaitSubscribers("flask-socketio", 2)
	there.says(testkit.Message("first"))
	here.hears(testkit.Message("first"))
	here.says(testkit.Message("second"))
	there.hears(testkit.Message("first"), testkit.Message("second"))
}
