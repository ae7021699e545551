// Command server is Hipflask: the Python chat server of the Flask-SocketIO
// example, in Go. It serves the Socket.IO clients that spoke to that one.
package main

import (
	"hipflask/handlers"
	"hipflask/server/hipflask"
)

func main() { hipflask.Main(handlers.Register) }
