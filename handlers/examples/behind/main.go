// Command behind is a guest book whose pages stay in Flask, in app.py, behind --backend:
// the page, its form and redirect, the session, the static files. Its sockets are here.
// It starts the Flask process, and ends it again.
//
//	go run ./handlers/examples/behind
//
// PYTHON names the Python that has Flask, python3 by default. HIPFLASK_SECRET_KEY is the
// secret key of both; without one the program makes one for as long as it runs.
//
//	client → server
//	  "signed"        the page was signed, by whoever the session says
//
//	server → client
//	  "readers" names to everybody, when somebody has come or gone
//	  "signed" name   to the others
package main

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"

	"hipflask/server/hipflask"
)

// folder is where app.py is, seen from the repository's root.
const folder = "handlers/examples/behind"

func main() {
	addr, err := freeAddress()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	key := cmp.Or(os.Getenv("HIPFLASK_SECRET_KEY"), rand.Text())
	hipflask.Main(func(app *hipflask.App) error {
		f := &flask{python: cmp.Or(os.Getenv("PYTHON"), "python3"), folder: folder, addr: addr, key: key}
		if err := f.start(app.Stdout); err != nil {
			return err
		}
		app.OnShutdown(f.end) // after the last page has been answered
		return Register(app)
	}, "--secret-key", key, "--backend", "http://"+addr)
}

// Register registers what is not in app.py.
func Register(app *hipflask.App) error {
	r := &readers{socketio: app.SocketIO, names: make(map[string]string)}
	return errors.Join(
		app.SocketIO.On("connect", r.handleConnect),
		app.SocketIO.On("signed", r.handleSigned),
		app.SocketIO.On("disconnect", r.handleDisconnect),
	)
}

// freeAddress returns an address where nobody listens now.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
