package protocol

import (
	"regexp"
	"strings"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// A query behind the namespace is no part of its name, as in python-socketio. It once left the
// connection waiting for ever: the refusal could not be written.
func TestQueryBehindTheNamespace(t *testing.T) {
	url := harness.Start(t).URL + "/socket.io/?EIO=4&transport=polling"
	for connect, want := range map[string]string{
		"40/?token=x,":     "40{",
		"40/none?token=x,": `44/none,{"message":"Invalid namespace"}`,
	} {
		sid := "&sid=" + regexp.MustCompile(`"sid":"([^"]+)"`).FindStringSubmatch(testkit.Get(t, url))[1]
		testkit.Post(t, url+sid, connect)
		if got := testkit.Get(t, url+sid); !strings.HasPrefix(got, want) {
			t.Errorf("%s was answered with %q, want %s", connect, got, want)
		}
		testkit.Post(t, url+sid, "1")
	}
}
