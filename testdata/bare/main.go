// Command bare is the chat server of the Python example, written on the named
// library as it comes: no parser, adapter or engine of ours beneath it. The fault
// tests of the real server fail against it, which is what they are for; see
// README.md beside this file.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/zishang520/socket.io/v2/socket"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:5001", "address to listen on")
	flag.Parse()
	server := &http.Server{Addr: *addr, Handler: routes(), ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}

func routes() http.Handler {
	io := socket.NewServer(nil, nil)
	// Adding a listener does not fail.
	_ = io.On("connection", func(args ...any) { connected(io, args[0].(*socket.Socket)) })
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.Use(gin.Recovery())
	handler := gin.WrapH(io.ServeHandler(nil))
	r.Any("/socket.io/", handler)
	r.Any("/socket.io/:file", handler)
	return r
}

// connected adds the handlers of one client: the three of the Python example, and
// two that isolation_test.go has in its own server as well.
func connected(io *socket.Server, client *socket.Socket) {
	fmt.Println("Client connected")
	_ = client.On("message", func(args ...any) {
		fmt.Println("Received message:", args)
		if err := io.Emit("message", args...); err != nil {
			log.Print(err)
		}
		if ack, ok := last(args).(socket.Ack); ok {
			ack(nil, nil)
		}
	})
	_ = client.On("disconnect", func(...any) { fmt.Println("Client disconnected") })

	_ = client.On("boom", func(...any) { panic("a handler with a fault") })
	_ = client.On("auth", func(args ...any) {
		if ack, ok := last(args).(socket.Ack); ok {
			ack([]any{client.Handshake().Auth}, nil)
		}
	})
}

func last(args []any) any {
	if len(args) == 0 {
		return nil
	}
	return args[len(args)-1]
}
