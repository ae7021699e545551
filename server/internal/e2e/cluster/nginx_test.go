package cluster

import (
	"fmt"
	"testing"

	"hipflask/testdata/testkit"
)

// scalingBlock returns nginx's configuration as SCALING.md has it, for these servers,
// at most three.
func scalingBlock(t *testing.T, listen string, servers ...string) string {
	t.Helper()
	replace := []string{"# listen, server_name, certificates", "listen " + listen + ";"}
	for i := range 3 {
		line := fmt.Sprintf("    server 127.0.0.1:%d max_fails=0;\n", 5000+i)
		if i < len(servers) {
			replace = append(replace, line, fmt.Sprintf("    server %s max_fails=0;\n", servers[i]))
		} else {
			replace = append(replace, line, "")
		}
	}
	return testkit.Documented(t, "SCALING.md", "## Put them behind anything", replace...)
}

// startScalingNginx runs nginx with a block, which names the address to listen on, and returns the
// address.
func startScalingNginx(t *testing.T, block func(listen string) string) string {
	t.Helper()
	addr := "127.0.0.1:" + testkit.FreePort(t)
	testkit.StartNginx(t, block(addr))
	return addr
}
