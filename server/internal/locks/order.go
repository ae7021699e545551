package locks

// What may be locked while something else is held stands below it here. The length of the array is
// its rank: a part of the type, so that nothing of it is left in the normal build. Of one rank
// nobody holds two.
type (
	Adjusting  = Mutex[[1]rank]   // cluster: channels are subscribed to or given up
	Reading    = Mutex[[2]rank]   // engineio: a session's, while its receiver takes a message
	Adapter    = Mutex[[3]rank]   // fanout: a namespace's members and rooms, while a broadcast is queued for them
	Relieving  = Mutex[[4]rank]   // engineio: clients are dropped to make room
	Registry   = RWMutex[[5]rank] // engineio: the list of sessions, while one opens or ends, or all are counted
	Server     = RWMutex[[6]rank] // socketio: its namespaces
	Namespace  = RWMutex[[7]rank] // socketio: its handlers
	Cluster    = RWMutex[[8]rank] // cluster: its namespaces and peers
	Connection = Mutex[[9]rank]   // socketio: a client's namespaces
	Claims     = Mutex[[10]rank]  // socketio: which connection has which session of recovery
	Values     = Mutex[[11]rank]  // socketio: what handlers keep for a client
	Incoming   = Mutex[[12]rank]  // socketio: attachments that are awaited
	Session    = Mutex[[13]rank]  // engineio: a session's state and outbox

	// The rest is held for a moment, with nothing of the above to come:
	Outbox    = Mutex[[14]rank] // cluster: what is to be published
	Heartbeat = Mutex[[14]rank] // engineio
	Admission = Mutex[[14]rank] // engineio: sessions, and those of each address
	Flusher   = Mutex[[14]rank] // engineio: its list
	Lag       = Mutex[[14]rank] // engineio
	Retention = Mutex[[14]rank] // engineio: a message's
	Form      = Mutex[[14]rank] // engineio: that of a message, compressed
	Pause     = Mutex[[14]rank] // engineio: a session's
	Quota     = Mutex[[14]rank] // engineio: a session's
	Refusals  = Mutex[[14]rank] // engineio
	Queue     = Mutex[[14]rank] // tasks: a connection's
	Acks      = Mutex[[14]rank] // fanout: what waits for a client's acknowledgements
	Library   = Mutex[[14]rank] // library: a connection's
	Idling    = Mutex[[14]rank] // websocket: a connection's waiting
	Idlers    = Mutex[[15]rank] // websocket: all connections that wait
	Outlet    = Mutex[[14]rank] // websocket: what TLS has sealed
	Lending   = Mutex[[14]rank] // websocket: the connections whose goroutine works
	HTTP1     = Mutex[[14]rank] // http1: a connection's answer, and whether it is to end
)

// rank is what the arrays are of, and takes no room.
type rank struct{}
