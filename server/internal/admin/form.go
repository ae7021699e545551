package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/handshake"
	"hipflask/server/internal/packet"
)

// What a UI is told, in the forms of @socket.io/admin-ui. What other servers say is read into these
// and written anew, so that a UI never gets anything else.

// socket is a client.
type socket struct {
	ID        string               `json:"id"`
	ClientID  string               `json:"clientId"`
	Transport string               `json:"transport"`
	Namespace string               `json:"nsp"`
	Data      map[string]any       `json:"data"`
	Handshake *handshake.Handshake `json:"handshake"`
	Rooms     []string             `json:"rooms"`
}

// update is what has changed of a client.
type update struct {
	ID        string `json:"id"`
	Namespace string `json:"nsp"`
	Transport string `json:"transport,omitempty"`
}

// stats are of a server.
type stats struct {
	ServerID   string  `json:"serverId"`
	Hostname   string  `json:"hostname"`
	PID        int     `json:"pid"`
	Uptime     float64 `json:"uptime"` // seconds
	Clients    int     `json:"clientsCount"`
	Polling    int     `json:"pollingClientsCount"`
	Namespaces []space `json:"namespaces"`
	Events     []count `json:"aggregatedEvents,omitempty"`
}

type space struct {
	Name    string `json:"name"`
	Sockets int    `json:"socketsCount"`
}

// count is how often something happened. The UI draws them by second.
type count struct {
	Timestamp int64           `json:"timestamp"` // milliseconds
	Type      string          `json:"type"`
	SubType   engineio.Reason `json:"subType,omitempty"`
	Count     uint64          `json:"count"`
}

// Bounds of what other servers say.
const (
	maxWord     = 1 << 10 // bytes of a name, an id, a reason
	maxEntries  = 1000    // in a list or an object
	maxArgs     = 4
	maxVerbatim = 4 * maxShown // bytes of what is shown of an event's arguments
)

var (
	errForm  = errors.New("it has another form than the Admin UI's")
	errEvent = errors.New("servers say nothing of that name to the Admin UI")
)

// checked is an event of another server as a UI may be told it. Nothing in its errors is longer
// than a line of the log.
func checked(event string, args []packet.Value) ([]any, error) {
	if len(args) == 0 || len(args) > maxArgs {
		return nil, errForm
	}
	switch event {
	case "server_stats":
		s, err := readStats(args[0])
		return []any{s}, err
	case "socket_connected":
		s, err := readSocket(args[0])
		return withTime([]any{s}, args, err)
	case "socket_updated":
		var u update
		err := args[0].Decode(&u)
		if err == nil && !areWords(u.ID, u.Namespace, u.Transport) {
			err = errForm
		}
		return []any{u}, err
	case "socket_disconnected", "room_joined", "room_left":
		words, err := readWords(args, 3)
		return withTime(words, args, err)
	case "event_received", "event_sent":
		words, err := readWords(args, 2)
		if err != nil || len(args) < 3 {
			return nil, errForm
		}
		var list []json.RawMessage
		if args[2].Decode(&list) != nil || len(list) == 0 || len(list) > maxEntries || sizeOf(list) > maxVerbatim {
			return nil, errForm
		}
		return withTime(append(words, list), args, nil)
	}
	return nil, fmt.Errorf("%w: %.40q", errEvent, event)
}

// readWords reads the first n arguments.
func readWords(args []packet.Value, n int) ([]any, error) {
	if len(args) < n {
		return nil, errForm
	}
	list := make([]any, n)
	for i := range n {
		var word string
		if args[i].Decode(&word) != nil || !areWords(word) {
			return nil, errForm
		}
		list[i] = word
	}
	return list, nil
}

// withTime appends the time, the last of the arguments: Node's is a date, and what is none becomes
// the time at which it arrived.
func withTime(list []any, args []packet.Value, err error) ([]any, error) {
	if err != nil {
		return nil, err
	}
	at := now()
	if len(args) > len(list) {
		var text string
		if args[len(list)].Decode(&text) == nil {
			if t, err := time.Parse(time.RFC3339, text); err == nil {
				at = written(t)
			}
		}
	}
	return append(list, at), nil
}

func readSocket(v packet.Value) (*socket, error) {
	var s socket
	if err := v.Decode(&s); err != nil {
		return nil, errForm
	}
	if s.ID == "" || s.Namespace == "" || !areWords(s.ID, s.ClientID, s.Transport, s.Namespace) || len(s.Rooms) > maxEntries || !areWords(s.Rooms...) {
		return nil, errForm
	}
	if s.Rooms == nil {
		s.Rooms = []string{}
	}
	s.Data = map[string]any{} // as of our own
	if s.Handshake == nil {
		s.Handshake = new(handshake.Handshake)
	}
	if len(s.Handshake.Headers) > maxEntries || len(s.Handshake.Query) > maxEntries {
		return nil, errForm
	}
	s.Handshake.Hide()
	s.Handshake.Auth = nil
	return &s, nil
}

func readStats(v packet.Value) (*stats, error) {
	var s stats
	if err := v.Decode(&s); err != nil {
		return nil, errForm
	}
	if s.ServerID == "" || !areWords(s.ServerID, s.Hostname) || len(s.Namespaces) > maxEntries || len(s.Events) > maxEntries ||
		s.Clients < 0 || s.Polling < 0 || s.Uptime < 0 {
		return nil, errForm
	}
	for _, n := range s.Namespaces {
		if n.Name == "" || !areWords(n.Name) || n.Sockets < 0 {
			return nil, errForm
		}
	}
	for _, c := range s.Events {
		if !areWords(c.Type, string(c.SubType)) {
			return nil, errForm
		}
	}
	if s.Namespaces == nil {
		s.Namespaces = []space{}
	}
	return &s, nil
}

// areWords reports whether all are short.
func areWords(all ...string) bool {
	return !slices.ContainsFunc(all, func(word string) bool { return len(word) > maxWord })
}

func sizeOf(list []json.RawMessage) (n int) {
	for _, text := range list {
		n += len(text)
	}
	return n
}

// now is the time as JavaScript writes it.
func now() string { return written(time.Now()) }

func written(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
