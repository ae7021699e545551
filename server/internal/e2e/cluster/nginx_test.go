package cluster

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"hipflask/testdata/testkit"
)

// scalingBlock returns the n-th nginx block of SCALING.md, for these servers.
func scalingBlock(t *testing.T, n int, listen string, servers ...string) string {
	t.Helper()
	page, err := os.ReadFile(testkit.InModule("server", "SCALING.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```nginx\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) <= n {
		t.Fatalf("SCALING.md has %d nginx blocks", len(blocks))
	}
	block := strings.Replace(blocks[n][1], "listen 8000;", "listen "+listen+";", 1)
	for i, s := range servers {
		block = regexp.MustCompile(fmt.Sprintf(`127\.0\.0\.1:%d\b`, 5000+i)).ReplaceAllString(block, s)
	}
	return block
}

// startScalingNginx runs nginx with a block, which names the address to listen on, and
// returns the address.
func startScalingNginx(t *testing.T, block func(listen string) string) string {
	t.Helper()
	addr := "127.0.0.1:" + testkit.FreePort(t)
	testkit.StartNginx(t, block(addr))
	return addr
}
