package cluster

import (
	"errors"
	"testing"
)

// What is logged of a channel, or of an error, names no room: one is named by the id of an
// Engine.IO 3 client's session.
func TestLinesNameNoRoom(t *testing.T) {
	for channel, want := range map[string]string{
		"socket.io#/#SECRET#":         "socket.io#/#...",
		"socket.io#/chat#/chat#SECRE": "socket.io#/chat#...",
		"socket.io#/#":                "socket.io#/#",
		"socket.io-request#/#":        "socket.io-request#/#",
		"flask-socketio":              "flask-socketio",
		"":                            "",
	} {
		if got := shown(channel); got != want {
			t.Errorf("%q is shown as %q, want %q", channel, got, want)
		}
	}
	unknown := errors.New("ERR unknown command 'PUBLISH', with args beginning with: 'socket.io#/#SECRET#' 'message'")
	if got := withoutArgs(unknown).Error(); got != "ERR unknown command 'PUBLISH'" {
		t.Errorf("got %q", got)
	}
	if other := errors.New("LOADING Redis"); withoutArgs(other) != other {
		t.Error("another error was changed")
	}
}
