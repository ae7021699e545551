package main

import (
	"regexp"
	"strings"
	"testing"

	"hipflask/server/internal/e2e/harness"
)

// A query behind the namespace is no part of its name, as in python-socketio. It
// once left the connection waiting for ever: the refusal could not be written.
func TestQueryBehindTheNamespace(t *testing.T) {
	url := harness.Start(t).URL + "/socket.io/?EIO=4&transport=polling"
	for connect, want := range map[string]string{
		"40/?token=x,":     "40{",
		"40/none?token=x,": `44/none,{"message":"Invalid namespace"}`,
	} {
		sid := "&sid=" + regexp.MustCompile(`"sid":"([^"]+)"`).FindStringSubmatch(get(t, url))[1]
		post(t, url+sid, connect)
		if got := get(t, url+sid); !strings.HasPrefix(got, want) {
			t.Errorf("%s was answered with %q, want %s", connect, got, want)
		}
		post(t, url+sid, "1")
	}
}
