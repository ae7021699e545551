package nodewire

import (
	"time"

	"hipflask/server/internal/packet"
)

// Broadcast is an event for clients of all servers.
type Broadcast struct {
	UID       string // the sender's; a server ignores its own
	Namespace string // "/" where none is written
	Event     string
	Args      []packet.Value
	Target    Target
	Flags     Flags
}

// Target selects sockets. No rooms means all sockets. A room that is a number in Node is its
// decimal.
type Target struct {
	Rooms, Except []string
}

// Flags are the modifiers of a broadcast.
type Flags struct {
	Volatile  bool
	Local     bool
	Broadcast bool // set by socket.broadcast; means nothing to a receiver
	Compress  *bool
	Timeout   time.Duration // for acknowledgements; whole milliseconds
}

// RequestType is what a request asks for; Node's numbers.
type RequestType int

// The requests, with the fields of Request that belong to each beside UID.
const (
	Sockets              RequestType = 0 // RequestID, Rooms; answer: SocketIDs
	AllRooms             RequestType = 1 // RequestID; answer: Rooms
	RemoteJoin           RequestType = 2 // Target, Rooms; or the old form RequestID, SID, Room
	RemoteLeave          RequestType = 3 // as RemoteJoin
	RemoteDisconnect     RequestType = 4 // Target, Close; or the old form RequestID, SID, Close
	RemoteFetch          RequestType = 5 // RequestID, Target; answer: Sockets
	ServerSideEmit       RequestType = 6 // Event, Args, and RequestID if an answer is wanted: Data
	BroadcastWithAck     RequestType = 7 // RequestID, Namespace, Event, Args, Target, Flags
	BroadcastClientCount RequestType = 8 // a response: ClientCount
	BroadcastAck         RequestType = 9 // a response: Data
	// NoType is the type of a response that names none: who asked knows.
	NoType RequestType = -1
)

// Request is what one server asks of the others.
type Request struct {
	Type      RequestType
	UID       string // the sender's; "" from the emitter's join, leave and disconnect
	RequestID string // "" if no answer is wanted
	// HasTarget says that the request selects sockets by Target, not by SID.
	HasTarget bool
	Target    Target
	Flags     Flags // BroadcastWithAck
	Rooms     []string
	Close     bool // RemoteDisconnect: end the whole connection

	SID, Room string // what Node's adapter before 7 wrote

	Namespace string // BroadcastWithAck: "/" where none is written
	Event     string
	Args      []packet.Value // without attachments in ServerSideEmit
}

// Response is one server's answer.
type Response struct {
	Type      RequestType // or NoType
	RequestID string

	SocketIDs   []string // of Sockets; nil if the response holds no list of sockets
	Sockets     []Socket // of RemoteFetch; nil if the response holds no list of sockets
	Rooms       []string // of AllRooms; nil if the response holds none
	ClientCount int
	Data        packet.Value // ServerSideEmit, BroadcastAck: the first argument, or null

	// UID is the sender's, in what Hipflask answers to Sockets and RemoteFetch. Node ignores it and
	// does not write it.
	UID string

	// BroadcastAck between Hipflask servers, which Node ignores and does not write: who answers,
	// and all arguments.
	Client string
	Args   []packet.Value // nil without a Client
}

// Socket is a client of another server.
type Socket struct {
	ID        string
	Handshake packet.Value // an object: headers, time, address, url, query, auth and so on
	Rooms     []string
	Data      packet.Value // what handlers keep with the socket, an object
	Transport string       // that it uses now; Node ignores it and does not write it
}
