package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"hipflask/server/hipflask"
	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// TestClusterOfFour has 200 clients of three servers and one of Node hear everything that eight
// speakers say at once: each message once, each speaker's in order.
func TestClusterOfFour(t *testing.T) {
	testkit.NeedNode(t)
	redis := redistest.Start(t)
	const each, count = 50, 200
	var addrs []string
	for range 3 {
		addrs = append(addrs, harness.StartMember(t, redis).Addr)
	}
	_, node := harness.StartNodeServer(t, redis)
	addrs = append(addrs, node)
	redis.AwaitSubscribers("socket.io-request#/#", 4)
	all := gather(t, each, addrs...)
	var speakers []*speaker
	for i := range 8 {
		speakers = append(speakers, speak(t, fmt.Sprint("s", i), addrs[i%4]))
	}
	var talk sync.WaitGroup
	for _, s := range speakers {
		talk.Go(func() {
			if err := s.say(count); err != nil {
				t.Error(err)
			}
		})
	}
	talk.Wait()
	for _, s := range speakers {
		all.awaits(s.name, s.last())
	}
	deliveries := 0
	for _, c := range all.clients {
		for _, s := range speakers {
			got := c.of(s.name)
			deliveries += len(got)
			if !slices.Equal(got, numbers(count)) {
				t.Fatalf("a client heard %d of %d messages of %s, or in another order", len(got), count, s.name)
			}
		}
	}
	if want := 4 * each * len(speakers) * count; deliveries != want {
		t.Errorf("%d deliveries, want %d", deliveries, want)
	}
}

// TestClusterServersPrintOnce: stdout is for what this server's clients say.
func TestClusterServersPrintOnce(t *testing.T) {
	redis := redistest.Start(t)
	a, b := harness.StartMember(t, redis), harness.StartMember(t, redis)
	here, there := joinCluster(t, a.Addr), joinCluster(t, b.Addr)
	here.says(testkit.Message("hello"))
	there.hears(testkit.Message("hello"))
	here.hears(testkit.Message("hello"))
	there.says(testkit.Message("hi"))
	here.hears(testkit.Message("hi"))
	for _, c := range []*clusterClient{here, there} {
		c.Cut() // or its server would wait for it
	}
	a.End()
	b.End()
	testkit.CompareLines(t, a.Stdout.Messages(), []string{"Received message: hello"})
	testkit.CompareLines(t, b.Stdout.Messages(), []string{"Received message: hi"})
}

// TestClusterPlainClientsTakePart: a plain WebSocket client is told what is said elsewhere.
func TestClusterPlainClientsTakePart(t *testing.T) {
	redis := redistest.Start(t)
	a, b := harness.StartMember(t, redis), harness.StartMember(t, redis)
	plain := harness.JoinPlain(t, b, 1)
	there := joinCluster(t, a.Addr)
	there.says(testkit.Message("hello"))
	testkit.HearsPlain(plain, "1 hello")
}

// TestClusterShutdownPublishes: what was said just before the end reaches the others.
func TestClusterShutdownPublishes(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	a, b := harness.StartMember(t, redis), harness.StartMember(t, redis)
	there := joinCluster(t, b.Addr)
	here := joinCluster(t, a.Addr)
	here.says(testkit.Message("last words"))
	a.Stdout.WaitLines(t, "Received message: last words", 1)
	if err := a.Stop(); err != nil {
		t.Fatal(err)
	}
	there.hears(testkit.Message("last words"))
}

func TestClusterWithoutRedisAtTheStart(t *testing.T) {
	redis := redistest.Start(t)
	redis.Kill()
	url := strings.Replace(redis.URL(), "redis://", "redis://user:secret@", 1)
	var stdout, stderr bytes.Buffer
	err := harness.Run(context.Background(), []string{"--port", "0", "--message-queue", url}, harness.NoEnv, &stdout, &stderr)
	if err == nil || hipflask.ExitCode(err) != 1 {
		t.Fatalf("run returned %v, want an error for exit code 1", err)
	}
	for _, part := range []string{"--message-queue", redis.Addr, "refused", "--message-queue-optional"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not name %q", err, part)
		}
	}
	if text := err.Error() + stderr.String(); strings.Contains(text, "secret") || strings.Contains(text, "listening") || strings.Contains(err.Error(), "\n") {
		t.Errorf("the password, more than a line, or an address: %s", text)
	}
	if errors.Is(err, context.Canceled) {
		t.Error("it was not Redis that failed")
	}
}

// TestClusterOptionalRedis starts without Redis, serves, and joins the others once Redis is there.
func TestClusterOptionalRedis(t *testing.T) {
	redis := redistest.Start(t)
	redis.Kill()
	a, b := harness.StartMember(t, redis, "--message-queue-optional"), harness.StartMember(t, redis, "--message-queue-optional")
	here, there := joinCluster(t, a.Addr), joinCluster(t, b.Addr)
	here.says(testkit.Message("alone"))
	here.hears(testkit.Message("alone"))
	redis.Restart()
	for _, s := range []*harness.Server{a, b} {
		s.Stderr.WaitFor(t, "word that Redis is there", testkit.Deadline, func(text string) bool { return strings.Contains(text, "Redis is back") })
	}
	there.says(testkit.Message("hello"))
	here.hears(testkit.Message("hello"))
}

// TestClusterRedisOverTLS: rediss:// checks the certificate, unless it is told not to.
func TestClusterRedisOverTLS(t *testing.T) {
	cert, key, _ := testkit.SelfSigned(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	_, port, _ := net.SplitHostPort(addr)
	redistest.Start(t, "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert, "--tls-auth-clients", "no")
	err = harness.Run(t.Context(), []string{"--port", "0", "--message-queue", "rediss://" + addr}, harness.NoEnv, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("run returned %v, want an error about the certificate", err)
	}
	a := harness.Start(t, "--message-queue", "rediss://"+addr+"?skip_verify=true")
	b := harness.Start(t, "--message-queue", "rediss://"+addr+"?skip_verify=true")
	here, there := joinCluster(t, a.Addr), joinCluster(t, b.Addr)
	here.says(testkit.Message("hello"))
	there.hears(testkit.Message("hello"))
}
