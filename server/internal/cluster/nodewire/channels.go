// Package nodewire owns what Node's @socket.io/redis-adapter 8 and @socket.io/redis-emitter 5
// publish on Redis: the names of the channels, and broadcasts, requests and responses in msgpack
// and JSON. It knows nothing of Redis.
//
// Errors are always a *packet.Error, and what is decoded shares no memory with its text. Functions
// that append to dst return it after an error as it was given.
//
// The msgpack itself is tinylib/msgp's, whose functions on byte slices neither copy nor allocate.
// vmihailenco/msgpack, which the build knows anyway, reads from an io.Reader and makes Go values of
// everything on the way to JSON.
package nodewire

import (
	"cmp"
	"strings"
)

// DefaultPrefix is the "key" option of Node's adapter and emitter.
const DefaultPrefix = "socket.io"

// EveryBroadcast is what to PSUBSCRIBE to for the broadcasts of all namespaces. A pattern for each
// would cost Redis a comparison each, for every message.
func EveryBroadcast(prefix string) string { return escaped(prefix+"#") + "*" }

// escaped is a text without what Redis takes for a wildcard.
func escaped(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(text)
}

// Channels names the channels of one namespace.
type Channels struct {
	broadcast, request, response string
}

// NewChannels returns the names for a namespace ("/" or "/name"). An empty prefix is DefaultPrefix.
func NewChannels(prefix, namespace string) Channels {
	prefix = cmp.Or(prefix, DefaultPrefix)
	return Channels{
		broadcast: prefix + "#" + namespace + "#",
		request:   prefix + "-request#" + namespace + "#",
		response:  prefix + "-response#" + namespace + "#",
	}
}

// Broadcast is where a broadcast to these rooms is published: with exactly one room on a channel of
// its own.
func (c Channels) Broadcast(rooms []string) string {
	if len(rooms) == 1 {
		return c.broadcast + rooms[0] + "#"
	}
	return c.broadcast
}

// Request is the channel of requests; its number of subscribers (PUBSUB NUMSUB) is the number of
// servers.
func (c Channels) Request() string { return c.request }

// Response is the channel that responses come on.
func (c Channels) Response() string { return c.response }

// Public is the channel of the namespace with the streams adapter, and Private that of the answers
// to one server.
func (c Channels) Public() string { return c.broadcast }

// Private is the channel of the answers to one server, see Public.
func (c Channels) Private(uid string) string { return c.broadcast + uid + "#" }

// ResponseTo is the channel of responses to one server, which servers with
// publishOnSpecificResponseChannel publish on: subscribe to both.
func (c Channels) ResponseTo(uid string) string { return c.response + uid + "#" }

// ResponsePattern matches the ResponseTo channels of all servers, among others, or with the streams
// adapter their Private ones.
func (c Channels) ResponsePattern(streams bool) string { return escaped(c.responses(streams)) + "?*#" }

func (c Channels) responses(streams bool) string {
	if streams {
		return c.broadcast
	}
	return c.response
}

// Responder returns the server whose channel that is, "" if it is none's.
func (c Channels) Responder(channel string, streams bool) string {
	name, isResponse := strings.CutPrefix(channel, c.responses(streams))
	name, isOne := strings.CutSuffix(name, "#")
	if !isResponse || !isOne || strings.Contains(name, "#") {
		return ""
	}
	return name
}
