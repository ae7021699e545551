package fanout

import (
	"context"

	"hipflask/server/internal/packet"
)

// Peers are the other servers of a cluster. Methods that return no answer do not
// wait for them: what they are told leaves in the order of the calls.
type Peers interface {
	// Attach makes what the others say of a namespace reach its adapter.
	Attach(a *Adapter)
	// Detach ends that: the namespace is forgotten.
	Detach(a *Adapter)

	Broadcast(namespace string, e Event, to Selection)
	Join(namespace string, who Selection, rooms []string)
	Leave(namespace string, who Selection, rooms []string)
	Disconnect(namespace string, who Selection, closing bool)
	ServerSideEmit(namespace string, e Event) error

	// CallServers is ServerSideEmit for who wants answers: it returns those that came, and
	// an error unless all have.
	CallServers(ctx context.Context, namespace string, e Event) ([]packet.Value, error)

	// Call sends an event to clients of the other servers and calls answer with
	// what each acknowledges, until all have or ctx ends.
	Call(ctx context.Context, namespace string, e Event, to Selection, answer func(Answer)) error
	// Fetch lists clients of the other servers, and IDs their ids, which costs less. With
	// an error that names who did not answer they return what came.
	Fetch(ctx context.Context, namespace string, who Selection) ([]Description, error)
	IDs(ctx context.Context, namespace string, who Selection) ([]string, error)
}

// Answer is what a client of another server acknowledges. Client is empty where that
// server does not name it, as Node's do, which pass on the first argument alone.
type Answer struct {
	Client string
	Args   []packet.Value
}
