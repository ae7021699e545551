// Command rtt is a server with one handler, which only acknowledges. The chat sends
// every message to everybody, so it cannot show what a round trip alone costs.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"

	"hipflask/server/headroom"
	"hipflask/server/socketio"
)

func main() {
	fmt.Fprintln(os.Stderr, "rtt:", run())
	os.Exit(1)
}

// run serves until that fails.
func run() error {
	defer headroom.Keep()()
	s := socketio.New(socketio.Options{})
	if err := s.On("rtt", func(socketio.Value) {}); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "listening on", l.Addr())
	return (&http.Server{Handler: s}).Serve(l)
}
