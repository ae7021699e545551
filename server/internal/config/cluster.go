package config

import (
	"errors"
	"strings"

	"hipflask/server/internal/relay"
)

// What the application's names in Redis begin with where nothing else is said: Node's and
// Flask-SocketIO's.
const (
	DefaultClusterPrefix = "socket.io"
	DefaultChannel       = "flask-socketio"
)

// The values of Config.ClusterAdapter.
const (
	AdapterRedis   = "redis"
	AdapterStreams = "redis-streams"
)

// ClusterURLOff is the value of Config.ClusterURL with which no server passes requests on to
// another.
const ClusterURLOff = "off"

// The values of Config.ChannelFormat.
const (
	ChannelAuto   = "auto"
	ChannelJSON   = "json"
	ChannelPickle = "pickle"
)

func cluster(c *Config) []Setting {
	return []Setting{
		{Name: "message-queue", Value: "URL", secret: true, set: into(&c.MessageQueue, text),
			Meaning: "Redis through which several servers are one, and other processes emit: redis://HOST:6379/0, rediss:// for TLS, " +
				"unix://PATH, redis+sentinel://HOST:26379?master_name=NAME or redis+cluster://HOST:7000."},
		{Name: "message-queue-optional", Default: "false", set: into(&c.MessageQueueOptional, boolean),
			Meaning: "Start without that Redis when it is not there, and go on trying."},
		{Name: "cluster-adapter", Value: "ADAPTER", Default: AdapterRedis, set: into(&c.ClusterAdapter, choice(AdapterRedis, AdapterStreams)),
			Meaning: "How servers hear each other, which all have to do alike: redis publishes, as Node's @socket.io/redis-adapter; " +
				"redis-streams writes into a stream, as @socket.io/redis-streams-adapter, so that nothing is lost while one is cut off from Redis."},
		{Name: "cluster-stream-length", Value: "NUMBER", Default: "10000", set: into(&c.ClusterStreamLength, number(1000, 100_000_000)),
			Meaning: "Entries that the stream keeps, about, with --cluster-adapter redis-streams; a server that was cut off for longer " +
				"has its clients connect anew. Node's maxLen."},
		{Name: "cluster-prefix", Value: "NAME", Default: DefaultClusterPrefix, set: into(&c.ClusterPrefix, clusterPrefix),
			Meaning: "Name with which begins all that the servers of this application say to each other through Redis, as key does in Node's adapter: " +
				"it keeps applications apart. Python's queue has --channel."},
		{Name: "channel", Value: "NAME", Default: DefaultChannel, set: into(&c.Channel, channel),
			Meaning: "Channel on which Flask-SocketIO's processes publish; python-socketio's own managers say socketio."},
		{Name: "channel-format", Value: "FORMAT", Default: ChannelAuto, set: into(&c.ChannelFormat, choice(ChannelAuto, ChannelJSON, ChannelPickle)),
			Meaning: "Form of what this server publishes there: json for python-socketio 5.16 and newer, pickle for what is older than 5.14; " +
				"auto is pickle once all that was heard there was."},
		{Name: "cluster-url", Value: "URL", set: into(&c.ClusterURL, clusterURL),
			Meaning: "Where the other servers reach this one, past any load balancer, to pass on what its clients ask: http://HOST:PORT or " +
				"https://HOST:PORT. Found out if it is not named, except for TLS; off has clients come back to the same server by themselves."},
	}
}

func clusterURL(v string) (string, error) {
	if v == "" || v == ClusterURLOff {
		return v, nil
	}
	target, err := relay.Parse(v)
	if err != nil || strings.HasPrefix(v, "unix:") {
		return "", errors.New("must be off, http://HOST:PORT or https://HOST:PORT, without a path behind the host")
	}
	return target.String(), nil
}

func clusterPrefix(v string) (string, error) {
	outside := func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._:/{}-", r))
	}
	switch {
	case v == "" || len(v) > 100 || strings.ContainsFunc(v, outside):
		return "", errors.New("must be a name of 1 to 100 letters, digits and . _ : / { } -, such as shop")
	case strings.HasSuffix(v, "-request") || strings.HasSuffix(v, "-response"):
		return "", errors.New("must not end in -request or -response, which Node's adapter puts behind names")
	}
	return v, nil
}

// checkCluster finds what needs a Redis that is not named, and keeps Python's queue apart from what
// the servers say to each other.
func checkCluster(c *Config, given origins) error {
	if c.MessageQueue == "" && c.MessageQueueOptional {
		return given.fault("message-queue-optional", "--message-queue is missing: there is none to go without")
	}
	for _, end := range []string{"#", "-request#", "-response#"} {
		if strings.HasPrefix(c.Channel, c.ClusterPrefix+end) {
			return given.fault("channel", "must not begin with --cluster-prefix and "+end+", as the servers' own channels do")
		}
	}
	if c.MessageQueue == "" && c.ClusterURL != "" && c.ClusterURL != ClusterURLOff {
		return given.fault("cluster-url", "--message-queue is missing: there are no other servers without")
	}
	return nil
}

func channel(v string) (string, error) {
	if v == "" || strings.ContainsAny(v, " \t\r\n") || strings.HasPrefix(v, "socket.io") {
		return "", errors.New("must be a name without white space that does not begin with socket.io, such as flask-socketio")
	}
	return v, nil
}
