package nodewire

import (
	"strings"
	"testing"
)

// Servers are found by their channels of answers, in either adapter's form.
func TestRespondersOfBothAdapters(t *testing.T) {
	c := NewChannels("a*pp", "/")
	for _, streams := range []bool{false, true} {
		prefix := map[bool]string{false: "a*pp-response#/#", true: "a*pp#/#"}[streams]
		if got, want := c.ResponsePattern(streams), strings.ReplaceAll(prefix, "*", `\*`)+"?*#"; got != want {
			t.Errorf("pattern %q, want %q", got, want)
		}
		for channel, want := range map[string]string{prefix + "x#": "x", prefix: "", prefix + "x#y#": "", "socket.io#/#x#": ""} {
			if got := c.Responder(channel, streams); got != want {
				t.Errorf("%q is %q's, want %q", channel, got, want)
			}
		}
	}
}
