package cluster_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"hipflask/server/internal/cluster"
	"hipflask/server/internal/cluster/redislink"
	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/extras"
	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
)

// member is one server of a cluster, in this process.
type member struct {
	*socketio.Server
	cluster *cluster.Cluster
}

// start makes a server that is part of the cluster of a Redis.
func start(t *testing.T, url string, set ...func(*cluster.Options, *socketio.Options)) *member {
	t.Helper()
	m := prepare(t, url, set...)
	must(t, m.cluster.Start(t.Context()))
	return m
}

// prepare makes one that is not started.
func prepare(t *testing.T, url string, set ...func(*cluster.Options, *socketio.Options)) *member {
	t.Helper()
	u, err := redislink.Parse(url)
	must(t, err)
	options := cluster.Options{URL: u, Channel: "flask-socketio", Format: cluster.FormatAuto, Logger: logger(t)}
	var server socketio.Options
	for _, f := range set {
		f(&options, &server)
	}
	c := cluster.New(options)
	t.Cleanup(func() { // after the server's
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = c.Close(ctx) // some tests end without Redis
	})
	server.Context = extras.With(context.Background(), extras.Extras{Peers: c.Peers()})
	return &member{socketiotest.NewServer(t, server), c}
}

// logger writes a log into that of the test.
func logger(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// several makes servers of one new cluster.
func several(t *testing.T, n int) (*redistest.Server, []*member) {
	t.Helper()
	redis := redistest.Start(t)
	members := make([]*member, n)
	for i := range members {
		members[i] = start(t, redis.URL())
	}
	return redis, members
}

func (m *member) join(t *testing.T) *socketiotest.Client {
	t.Helper()
	return socketiotest.Connect(t, m.Server, socketiotest.Options{})
}

// hears checks the next events of a client, each as Event.String shows it.
func hears(t *testing.T, c *socketiotest.Client, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := c.Next().String(); got != w {
			t.Fatalf("received %s, want %s", got, w)
		}
	}
}

// must fails the test.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func text(format string, args ...any) string { return fmt.Sprintf(format, args...) }
