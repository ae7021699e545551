package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"hipflask/server/internal/cluster/redistest"
)

// roundRobin is nginx in front of these servers: it gives each request to the next one,
// and knows nothing of sessions.
func roundRobin(t *testing.T, servers ...*testServer) (url string) {
	t.Helper()
	addr := startScalingNginx(t, func(listen string) string { return scalingBlock(t, 0, listen, servers...) })
	return "http://" + addr
}

// startThree starts the servers of the cluster that the page has.
func startThree(t *testing.T, args ...string) (redis *redistest.Server, servers []*testServer) {
	t.Helper()
	redis = redistest.Start(t)
	for range 3 {
		servers = append(servers, startMember(t, redis, append([]string{"--trusted-proxies", "127.0.0.1"}, args...)...))
	}
	return redis, servers
}

// TestClusterWithoutSticking drives three servers behind plain round robin with every
// client version over every transport.
func TestClusterWithoutSticking(t *testing.T) {
	needNode(t)
	_, servers := startThree(t)
	url := roundRobin(t, servers...)
	for _, client := range clientVersions() {
		for _, mode := range []string{"websocket", "polling", "default"} {
			t.Run(client+"/"+mode, func(t *testing.T) {
				config := clientConfig{
					URL: url, Client: client, Peer: newest, Mode: mode,
					Behaviours: []string{"connect", "text", "unicode", "values", "binary", "ack", "large", "pair"},
					TextBytes:  900_000, BinaryBytes: 900_000,
				}
				if mode == "polling" {
					config.BinaryBytes = 700_000 // a third more in base64, and the limit is 1,000,000
				}
				reports := runNode(t, "matrix.mjs", config)
				checkEchoes(t, reports, 50)
				checkAcks(t, reports)
				checkPair(t, reports)
			})
		}
	}
	for _, s := range servers {
		if log := s.Stderr.String(); strings.Contains(log, "level=WARN") || strings.Contains(log, "level=ERROR") {
			t.Errorf("the log:\n%s", tail(log))
		}
		if !slices.Contains(s.Stdout.lines(), "Client connected") {
			t.Error("a server had no client")
		}
	}
}

var _ = fmt.Sprint
var _ = http.MethodGet
