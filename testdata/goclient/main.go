// Goclient is Go's client of Socket.IO 4, which server/internal/e2e/clients/goclient_test.go runs:
// it says texts and bytes, waits for what comes back and for an acknowledgement, and prints what it saw.
// It is a module of its own, so that what it needs is nothing that the server needs.
//
//	go run . URL websocket|upgrade
//
// With upgrade it has both transports, in a set without an order: it begins by either, says
// which, and waits for the upgrade if that is polling.
//
// By polling alone it sends nothing once it is connected, not to Node's server either.
package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	engine "github.com/zishang520/socket.io/clients/engine/v3"
	"github.com/zishang520/socket.io/clients/engine/v3/transports"
	"github.com/zishang520/socket.io/clients/socket/v3"
	"github.com/zishang520/socket.io/v3/pkg/types"
)

const deadline = 20 * time.Second

// The client misses, now and then, what a quick server sends before its own listeners
// stand. It then waits for ever, and is made anew.
const (
	tries       = 5
	connectTime = 4 * time.Second
)

var errLate = errors.New("not connected in time")

func main() {
	err := errLate
	for i := 0; i < tries && errors.Is(err, errLate); i++ {
		err = run(os.Args[1], os.Args[2])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "goclient:", err)
		os.Exit(1)
	}
}

func run(url, mode string) error {
	options := socket.DefaultOptions()
	options.SetForceNew(true)
	options.SetReconnection(false)
	options.SetAutoConnect(false) // not before its listeners stand
	switch mode {
	case "websocket":
		options.SetTransports(types.NewSet[engine.TransportCtor](transports.WebSocket))
	default:
		options.SetTransports(types.NewSet[engine.TransportCtor](transports.Polling, transports.WebSocket))
	}
	client, err := socket.Connect(url, options)
	if err != nil {
		return err
	}
	connected, failed := make(chan any, 1), make(chan any, 1)
	heard := make(chan any, 100)
	_ = client.On("connect", func(...any) { connected <- nil })
	_ = client.On("connect_error", func(errs ...any) { failed <- errs })
	_ = client.On("message", func(args ...any) { heard <- args[0] })
	begun, upgraded := make(chan string, 1), make(chan any, 1)
	_ = client.Io().On("open", func(...any) {
		begun <- client.Io().Engine().Transport().Name()
		_ = client.Io().Engine().On("upgrade", func(...any) { upgraded <- nil })
	})
	client.Connect()
	select {
	case <-connected:
	case err := <-failed:
		return fmt.Errorf("not connected: %v", err)
	case <-time.After(connectTime):
		client.Disconnect()
		return errLate
	}
	first := <-begun // before it was connected
	fmt.Println("began by", first)
	if first == "polling" {
		if _, err := await(upgraded, "upgrade"); err != nil {
			return err
		}
	}
	fmt.Println("connected by", client.Io().Engine().Transport().Name())
	for _, value := range []any{"hello", "Zoë 中文 \U0001f600", []byte{0, 1, 2, 255}} {
		if b, ok := value.([]byte); ok {
			value = types.NewBytesBuffer(b)
		}
		if err := client.Emit("message", value); err != nil {
			return err
		}
		got, err := await(heard, "message")
		if err != nil {
			return err
		}
		if b, ok := got.(types.BufferInterface); ok {
			got = b.Bytes()
		}
		fmt.Printf("heard %v\n", got)
	}
	acked := make(chan any, 1)
	if err := client.Emit("message", "acknowledged", func(args []any, err error) { acked <- fmt.Sprint(args, err) }); err != nil {
		return err
	}
	ack, err := await(acked, "acknowledgement")
	if err != nil {
		return err
	}
	fmt.Println("acknowledged", ack)
	client.Disconnect()
	return nil
}

func await(c <-chan any, what string) (any, error) {
	select {
	case v := <-c:
		return v, nil
	case <-time.After(deadline):
		return nil, fmt.Errorf("no %s in time", what)
	}
}
