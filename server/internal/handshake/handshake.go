// Package handshake owns how a client was opened in the form in which Node's servers show it,
// socket.handshake: the Redis adapter and the Admin UI both carry it.
package handshake

import (
	"net/http"
	"strings"
	"time"

	"hipflask/server/internal/packet"
)

// Handshake has Node's fields. Without Headers it is for who has no use for those, which are most
// of it.
type Handshake struct {
	Headers map[string]string `json:"headers"`
	Time    string            `json:"time"`
	Address string            `json:"address"`
	Xdomain bool              `json:"xdomain"`
	Secure  bool              `json:"secure"`
	Issued  int64             `json:"issued"` // milliseconds
	URL     string            `json:"url"`
	Query   map[string]string `json:"query"`
	Auth    any               `json:"auth,omitempty"` // a packet.Value; nil is left out
}

// Of describes a client that came to its namespace at that time, from that address, over the
// connection that r opened, without its headers.
func Of(r *http.Request, address string, at time.Time) *Handshake {
	h := &Handshake{
		Time:    at.Format(dateLayout),
		Address: address,
		Xdomain: r.Header.Get("Origin") != "",
		Secure:  r.TLS != nil,
		Issued:  at.UnixMilli(),
		URL:     r.URL.RequestURI(),
		Query:   make(map[string]string),
	}
	for name, values := range r.URL.Query() {
		h.Query[name] = values[len(values)-1]
	}
	return h
}

// WithHeaders adds those of r.
func (h *Handshake) WithHeaders(r *http.Request) *Handshake {
	h.Headers = make(map[string]string, len(r.Header)+1)
	for name, values := range r.Header {
		h.Headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	h.Headers["host"] = r.Host // which net/http takes out of the header
	return h
}

// dateLayout is what JavaScript's Date makes of itself (ECMA-262, Date.prototype.toString), without
// the zone's name, which is optional.
const dateLayout = "Mon Jan 02 2006 15:04:05 GMT-0700"

// Hide takes out what the client's user could be impersonated with.
func (h *Handshake) Hide() {
	for _, name := range []string{"authorization", "cookie", "proxy-authorization"} {
		if _, there := h.Headers[name]; there {
			h.Headers[name] = "(hidden)"
		}
	}
}

// Seen is what is read of a handshake that another server wrote.
type Seen struct {
	Address   string
	Transport string // that the client began with
	At        time.Time
	Auth      packet.Value
}

// Read reads a handshake. What it lacks, or has in another form, is left empty: where Node's
// application changed it.
func Read(v packet.Value) Seen {
	var h struct {
		Address string
		Issued  float64
		Auth    packet.Value
		Query   struct{ Transport string }
	}
	_ = v.Decode(&h)
	s := Seen{Address: h.Address, Transport: h.Query.Transport, Auth: h.Auth}
	if h.Issued != 0 {
		s.At = time.UnixMilli(int64(h.Issued))
	}
	return s
}
