package redislink

import (
	"context"
	"strings"
	"testing"
	"time"

	"hipflask/server/internal/cluster/redistest"
)

func TestAddressesShowNoPassword(t *testing.T) {
	for text, want := range map[string]string{
		"redis://": "redis://",
		"redis://user:secret@h:1/2?read_timeout=1":                     "redis://h:1/2",
		"unix://user:secret@/run/r.sock?db=1":                          "unix:///run/r.sock",
		"redis+sentinel://:secret@h:1/0?master_name=m&password=secret": "redis+sentinel://h:1/0",
		"rediss+cluster://:secret@h:1?addr=h2:2":                       "rediss+cluster://h:1",
	} {
		u, err := Parse(text)
		if err != nil || u.String() != want {
			t.Errorf("%s: %v, %v; want %s", text, u, err, want)
		}
	}
}

func TestOptions(t *testing.T) {
	for text, want := range map[string]time.Duration{"redis://h": readTimeout, "redis://h?read_timeout=3s": 3 * time.Second} {
		u, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		l := u.Open()
		if o := l.client.Options(); o.ReadTimeout != want || o.MaxRetries > 0 {
			t.Errorf("%s: read timeout %v, %d retries", text, o.ReadTimeout, o.MaxRetries)
		}
		_ = l.Close()
	}
}

// use publishes over a link and counts a subscriber.
func use(t *testing.T, text string) {
	t.Helper()
	u, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	l := u.Open()
	defer l.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	node, err := l.Node(ctx)
	if err != nil {
		t.Fatalf("%s: %v", u, err)
	}
	pubsub := node.Subscribe(ctx, "c")
	defer pubsub.Close()
	if _, err := pubsub.Receive(ctx); err != nil {
		t.Fatalf("%s: %v", u, err)
	}
	if n, err := l.Subscribers(ctx, "c"); n != 1 || err != nil {
		t.Errorf("%s: %d subscribers, %v", u, n, err)
	}
	if n, err := node.Publish(ctx, "c", "x").Result(); n != 1 || err != nil {
		t.Errorf("%s: published to %d, %v", u, n, err)
	}
}

func TestOneServer(t *testing.T) {
	socket := t.TempDir() + "/r"
	r := redistest.Start(t, "--requirepass", "se/cret", "--unixsocket", socket)
	use(t, "redis://:se%2Fcret@"+r.Addr+"/3")
	use(t, "unix://:se%2Fcret@"+socket)
}

func TestSentinel(t *testing.T) {
	r := redistest.Start(t)
	host, port, _ := strings.Cut(r.Addr, ":")
	s := redistest.StartSentinel(t, "sentinel monitor main "+host+" "+port+" 1\n")
	use(t, "redis+sentinel://"+s.Addr+"?master_name=main")
}

func TestCluster(t *testing.T) {
	r := redistest.Start(t, "--cluster-enabled", "yes")
	r.Do("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
	r.AwaitInfo("CLUSTER", "cluster_state:ok")
	use(t, "redis+cluster://"+r.Addr)
}
