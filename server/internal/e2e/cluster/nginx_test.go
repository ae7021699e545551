package cluster

import (
	"fmt"
	"testing"

	"hipflask/testdata/testkit"
)

// scalingBlock returns nginx's configuration as SCALING.md has it, for these servers.
func scalingBlock(t *testing.T, listen string, servers ...string) string {
	t.Helper()
	replace := []string{"# listen, server_name, certificates", "listen " + listen + ";"}
	for i, s := range servers {
		replace = append(replace, fmt.Sprintf("127.0.0.1:%d ", 5000+i), s+" ")
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
