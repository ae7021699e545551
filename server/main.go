package main

import (
	_ "github.com/gin-gonic/gin"
	_ "github.com/zishang520/socket.io/v2/socket"
	_ "golang.org/x/sys/unix"
)

func main() {}
