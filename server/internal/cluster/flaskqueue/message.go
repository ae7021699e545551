// Package flaskqueue owns the messages of python-socketio's pub/sub managers, what
// SocketIO(message_queue=...) of Flask-SocketIO publishes and reads: their meaning, and their
// encodings as pickle and as JSON. It knows nothing of Redis.
package flaskqueue

import "hipflask/server/internal/packet"

// Method says what a message wants. Python-socketio's names.
type Method string

// The methods, with the fields of Message that belong to each beside HostID and Namespace.
const (
	Emit       Method = "emit"       // Event, Args, Rooms, SkipSIDs, Callback
	Callback   Method = "callback"   // SID, ID, Args: the client's acknowledgement
	CloseRoom  Method = "close_room" // Room
	EnterRoom  Method = "enter_room" // SID, Room
	LeaveRoom  Method = "leave_room" // SID, Room
	Disconnect Method = "disconnect" // SID
)

// Format is how a message is written. No format is read by all versions of python-socketio, so
// whoever publishes has to know who reads. What becomes of the arguments of an Emit:
//
//	published              before 5.14     5.14, 5.15            5.16 and later
//	FormatJSON             one, a list     one, a list           right
//	FormatJSON, binary     wrong           one, from 5.14.2 on   right
//	FormatPickle           right           not read              not read
//
// "One, a list" means that the arguments "hi" and 2 arrive as the one argument ["hi",2]. The other
// methods are read by all that know them, but pickles by those before 5.14 alone. Which versions
// take part shows in Message.Format of what they publish.
type Format uint8

const (
	// FormatJSON is JSON in the form of python-socketio 5.16: the arguments are always a list.
	FormatJSON Format = iota
	// FormatPickle is pickle, protocol 4: python-socketio before 5.14, on Python 3.4 or later.
	FormatPickle
)

// Message is one message of the channel.
type Message struct {
	Method Method
	// HostID tells the sender; of a Callback, who is to handle it. Old versions leave it out of
	// Disconnect and CloseRoom: "".
	HostID    string
	Namespace string // "/" where none is written

	Event string
	Args  []packet.Value // Emit: the event's arguments; Callback: the acknowledgement's
	// Rooms are the rooms (or session ids) to emit to. nil is everyone; an empty list is nobody. A
	// room that is a number in Python is its decimal.
	Rooms    []string
	SkipSIDs []string     // who is not to get it
	Callback *CallbackRef // Emit: where the acknowledgement is to go, or nil

	Room string
	SID  string
	ID   uint64 // of a Callback, at most 2^63-1

	// Format is how a decoded message was written. Encoding ignores it.
	Format Format
}

// CallbackRef is what a Callback message has to repeat, together with the HostID of the Emit: reply
// with Message{Method: Callback, HostID: m.HostID, SID: c.SID, Namespace: c.Namespace, ID: c.ID,
// Args: ...}.
type CallbackRef struct {
	SID       string // the session (or room) that the event went to
	Namespace string
	ID        uint64
}
