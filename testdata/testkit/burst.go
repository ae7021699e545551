package testkit

import (
	"fmt"
	"strings"
	"testing"
)

// CheckReceiver checks that a receiver of burst.mjs heard all count messages, in order.
func CheckReceiver(t *testing.T, r Report, count int) {
	t.Helper()
	var got struct {
		Client, Mode, Transport string
		Got                     int
		Wrong                   *string
	}
	r.Decode(t, &got)
	transport := got.Mode
	if got.Mode == "default" || got.Mode == "late" {
		transport = "websocket"
	}
	if got.Got != count || got.Wrong != nil || got.Transport != transport {
		t.Errorf("a receiver with %d of %d messages: %s", got.Got, count, r.Line)
	}
}

// BurstLines returns what the server prints for the messages of burst.mjs.
func BurstLines(count int) []string {
	var lines []string
	for n := range count {
		text := fmt.Sprintf("%d %s", n, strings.Repeat("é👋", n%20))
		if n%50 == 49 {
			data := strings.Repeat(`\xff`, n%300)
			text = fmt.Sprintf("{'n': %d, 'text': '%s', 'data': b'%s'}", n, text, data)
		}
		lines = append(lines, "Received message: "+text)
	}
	return append(lines, "Received message: end of the burst")
}
