// Package systemd speaks the two small protocols between systemd and a service: the socket that is
// handed over (sd_listen_fds), and the messages about the service's state (sd_notify). Nothing
// happens where systemd is not.
package systemd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"
)

// What Notify is told.
const (
	Ready    = "READY=1"
	Stopping = "STOPPING=1"
)

// firstSocket is the descriptor that the sockets handed over begin at.
const firstSocket = 3

// Listener is the socket that was handed over to this process, nil if there is none.
func Listener(getenv func(string) string) (net.Listener, error) {
	count := getenv("LISTEN_FDS")
	// Another process's sockets: the variables were inherited.
	if count == "" || count == "0" || getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) {
		return nil, nil
	}
	if count != "1" {
		return nil, fmt.Errorf("LISTEN_FDS: %s sockets were handed over, and one is served: the socket unit must have one ListenStream", count)
	}
	file := os.NewFile(firstSocket, "socket of systemd")
	if file == nil {
		return nil, errors.New("LISTEN_FDS: there is no such descriptor")
	}
	l, err := net.FileListener(file) // a copy
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("LISTEN_FDS: no socket to listen on was handed over: %w", err)
	}
	return l, nil
}

// notifyTimeout is how long systemd may take to make room for a message: it reads them one after
// another.
const notifyTimeout = time.Second

// Notify sends a state to the socket that NOTIFY_SOCKET names; an empty name is nobody.
func Notify(socket, state string) error {
	if socket == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("NOTIFY_SOCKET: %w", err)
	}
	_ = conn.SetWriteDeadline(time.Now().Add(notifyTimeout)) // fails for a closed one, as the write then does
	_, err = conn.Write([]byte(state))
	if err := errors.Join(err, conn.Close()); err != nil {
		return fmt.Errorf("NOTIFY_SOCKET: %w", err)
	}
	return nil
}
